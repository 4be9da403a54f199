"""Steps of an optimizer whose parameters are in groups, each with its own rate.

Authors
 * The mert_sb developers 2026
"""

import torch
from speechbrain.utils.logger import get_logger

from mert_sb.saving_brain import SavingBrain

logger = get_logger(__name__)


class GroupBrain(SavingBrain):
    """SpeechBrain's Brain with parameter groups from the YAML, clipped together.

    Arguments
    ---------
    modules : dict
        ``encoder``, perhaps, and what is trained on top.
    opt_class : callable
        Builds the optimizer from parameter groups.
    hparams : dict
        With the keys of ``HPARAMS_NEEDED``.
    run_opts : speechbrain.RunOptions
        From the command line.
    checkpointer : CompleteCheckpointer
        Saves and resumes.

    Raises
    ------
    ValueError
        If a run option would do harm or nothing.

    Example
    -------
    See ``DownstreamBrain``.
    """

    HPARAMS_NEEDED = ("parameter_groups",)

    def __init__(self, modules, opt_class, hparams, run_opts, checkpointer):
        super().__init__(modules, opt_class, hparams, run_opts, checkpointer)
        self._check_options()

    def _check_options(self):
        """Refuse what would turn the gradient round or be ignored."""
        if self.max_grad_norm <= 0:
            raise ValueError(
                f"max_grad_norm: {self.max_grad_norm} would zero or turn round the "
                "gradient; to switch clipping off give a huge value, 1.0e9"
            )
        if self.remove_vector_weight_decay:
            raise ValueError(
                "remove_vector_weight_decay: not with parameter_groups; set "
                "weight_decay in opt_class to 0"
            )
        # From the command line SpeechBrain passes this one as a string.
        if self.optimizer_step_limit is not None:
            self.optimizer_step_limit = int(self.optimizer_step_limit)

    def init_optimizers(self):
        """One optimizer of the groups that the YAML makes."""
        groups = self.hparams.parameter_groups(self.modules)
        self.optimizer = self.opt_class(groups)
        self.optimizers_dict = {"opt_class": self.optimizer}
        self.checkpointer.add_recoverable("optimizer", self.optimizer)

    def optimizers_step(self):
        """Clip over all groups together, where SpeechBrain clips the first; step.

        A gradient that is not finite is skipped.
        """
        self.scaler.unscale_(self.optimizer)
        norm = torch.nn.utils.clip_grad_norm_(
            [p for g in self.optimizer.param_groups for p in g["params"]],
            self.max_grad_norm,
        )
        self.follow_schedule()
        # In fp16 the scaler skips by itself, and must be asked to.
        if self.scaler.is_enabled() or torch.isfinite(norm):
            self.scaler.step(self.optimizer)
        else:
            logger.warning(
                "Step %d skipped: its gradient is not finite",
                self.optimizer_step + 1,
            )
        self.scaler.update()
        self.optimizer.zero_grad(set_to_none=True)
        self.optimizer_step += 1

    def follow_schedule(self):
        """Set the rates before a step; a subclass that has a schedule does."""

    def rates(self):
        """Learning rates of the last step, by group.

        Returns
        -------
        dict of str to float
            ``lr_<group>``.
        """
        return {
            f"lr_{group['name']}": group["lr"]
            for group in self.optimizer.param_groups
        }
