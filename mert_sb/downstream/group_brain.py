"""Steps of an optimizer whose parameters are in groups, each with its own rate.

Authors
 * The mert_sb developers 2026
"""

import torch

from mert_sb.saving_brain import SavingBrain


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

    def fit_batch(self, batch):
        """SpeechBrain's; a step that comes to nothing is to name its clips.

        Arguments
        ---------
        batch : object
            With ``id``, or its clips have no names.

        Returns
        -------
        torch.Tensor
            As of SpeechBrain's.
        """
        if (self.step - 1) % self.grad_accumulation_factor == 0:
            self.skips.begin()
        self.ids = getattr(batch, "id", ())
        return super().fit_batch(batch)

    def check_loss_isfinite(self, loss):
        """Note the loss; what is not finite is skipped in ``optimizers_step``.

        SpeechBrain steps with it, or stops one process of several.

        Arguments
        ---------
        loss : torch.Tensor
            Scalar.
        """
        self.skips.add(self.ids, loss)

    def optimizers_step(self):
        """Clip over all groups together, where SpeechBrain clips the first; step.

        A step whose loss or gradient is not finite is skipped, named and counted;
        more than ``nonfinite_patience`` in a row end the run.

        Raises
        ------
        FloatingPointError
            If there are so many.
        """
        self.scaler.unscale_(self.optimizer)
        norm = torch.nn.utils.clip_grad_norm_(
            [p for g in self.optimizer.param_groups for p in g["params"]],
            self.max_grad_norm,
        )
        self.follow_schedule()
        # In fp16 too: the scaler would step where only the norm is infinite.
        finite = bool(torch.isfinite(norm) & self.skips.finite(self.device))
        if finite:
            self.scaler.step(self.optimizer)
        self.scaler.update()
        self.optimizer.zero_grad(set_to_none=True)
        self.optimizer_step += 1
        if finite:
            self.skips.step()
            return
        reason = self.skips.skip(self.optimizer_step, patience=self.patience)
        if reason is not None:
            raise FloatingPointError(
                f"{reason}. Lower the learning rates, or look at these clips; the "
                "last checkpoint is without fault"
            )

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
