"""A Brain that says how far a run is, and how long it will take.

SpeechBrain's bars are of an epoch, and write into log files as they do on terminals. Here
one stands for the whole run, with the time to its end: see ``mert_sb.progress``.

Authors
 * The mert_sb developers 2026
"""

import math
from operator import length_hint

import speechbrain as sb
from speechbrain.utils.epoch_loop import EpochCounter

from mert_sb.progress import Progress


class ProgressBrain(sb.Brain):
    """SpeechBrain's Brain with a bar of optimizer steps, and one of test batches.

    ``--noprogressbar`` and ``progressbar=False`` leave them out. A run ends sooner than
    is said where early stopping ends it.

    Arguments
    ---------
    modules : dict
        As ``speechbrain.Brain``.
    opt_class : callable
        Builds the optimizer from parameters.
    hparams : dict
        From the YAML.
    run_opts : speechbrain.RunOptions
        From the command line.
    checkpointer : speechbrain.utils.checkpoints.Checkpointer
        Saves and resumes.
    """

    def __init__(self, modules, opt_class, hparams, run_opts, checkpointer):
        super().__init__(modules, opt_class, hparams, run_opts, checkpointer)
        self.progress = self.epochs = None
        self.loaders = {}  # by stage

    def make_dataloader(
        self, dataset, stage, ckpt_prefix="dataloader-", **loader_kwargs
    ):
        """SpeechBrain's; remembered, for its number of batches.

        Arguments
        ---------
        dataset : Dataset
            Of a stage.
        stage : sb.Stage
            Training, validation or test.
        ckpt_prefix : str, optional
            As of SpeechBrain's.
        **loader_kwargs : dict
            As of SpeechBrain's.

        Returns
        -------
        DataLoader
            As of SpeechBrain's.
        """
        loader = super().make_dataloader(
            dataset, stage, ckpt_prefix, **loader_kwargs
        )
        self.loaders[stage] = loader
        return loader

    def fit(
        self,
        epoch_counter,
        train_set,
        valid_set=None,
        progressbar=None,
        **loader_kwargs,
    ):
        """Train, with one bar from the first epoch to the last.

        Arguments
        ---------
        epoch_counter : iterable of int
            As of SpeechBrain's.
        train_set, valid_set : Dataset or DataLoader
            As of SpeechBrain's.
        progressbar : bool, optional
            As of SpeechBrain's.
        **loader_kwargs : dict
            As of SpeechBrain's.
        """
        self.epochs = epoch_counter
        with Progress(
            "train", unit="step", quiet=self._quiet(progressbar)
        ) as self.progress:
            super().fit(
                epoch_counter,
                train_set,
                valid_set,
                progressbar=False,
                **loader_kwargs,
            )
        self.progress = None

    def evaluate(self, test_set, *args, progressbar=None, **kwargs):
        """Test, with a bar.

        Arguments
        ---------
        test_set : Dataset or DataLoader
            As of SpeechBrain's.
        *args : tuple
            As of SpeechBrain's.
        progressbar : bool, optional
            As of SpeechBrain's.
        **kwargs : dict
            As of SpeechBrain's.

        Returns
        -------
        float
            As of SpeechBrain's.
        """
        self.epochs = None
        with Progress(
            "evaluate", unit="batch", quiet=self._quiet(progressbar)
        ) as self.progress:
            loss = super().evaluate(
                test_set, *args, progressbar=False, **kwargs
            )
        self.progress = None
        return loss

    def on_fit_start(self):
        """SpeechBrain's; steps of an earlier run are none of this one's."""
        super().on_fit_start()
        if self.progress is not None:
            self.progress.skip(self.optimizer_step)

    def update_average(self, loss, avg_loss):
        """SpeechBrain's, and a batch is counted.

        Arguments
        ---------
        loss : torch.Tensor
            Of the batch.
        avg_loss : float
            Of the batches before.

        Returns
        -------
        float
            With this one.
        """
        average = super().update_average(loss, avg_loss)
        self.count_batch(loss=float(average))
        return average

    def count_batch(self, **notes):
        """Say how far it is, if it is time.

        Arguments
        ---------
        **notes : dict
            To stand beside.
        """
        if self.progress is None:
            return
        if self.epochs is None:
            batches = length_hint(self.loaders.get(sb.Stage.TEST, ()))
            self.progress.total = batches or None
            self.progress.update(**notes)
            return
        training = self.modules.training
        stage = sb.Stage.TRAIN if training else sb.Stage.VALID
        batches = length_hint(self.loaders.get(stage, ()))
        if training:
            self.progress.total = self._last_step(batches)
        if isinstance(self.epochs, EpochCounter):
            notes["epoch"] = self.epochs.current
        self.progress.update(
            self.optimizer_step - self.progress.done,
            stage=stage.name.lower(),
            batch=self.step,
            batches=batches,
            **notes,
        )

    def pace(self):
        """Optimizer steps a second, and the time to the run's end.

        Returns
        -------
        dict of str to float
            ``steps_per_second`` and ``hours_left``, as far as they are known.
        """
        if self.progress is None:
            return {}
        self.count_batch()
        numbers = {
            "steps_per_second": self.progress.rate,
            "hours_left": self.progress.left / 3600,
        }
        return {k: v for k, v in numbers.items() if math.isfinite(v)}

    def _quiet(self, progressbar):
        return self.noprogressbar if progressbar is None else not progressbar

    def _last_step(self, batches):
        """Number of the run's last step, None if it is not known."""
        ends = []
        if self.optimizer_step_limit is not None:
            ends.append(int(self.optimizer_step_limit))
        if isinstance(self.epochs, EpochCounter) and batches:
            factor = self.grad_accumulation_factor
            epochs = self.epochs.limit - self.epochs.current
            left = batches // factor - self.step // factor
            ends.append(
                self.optimizer_step + left + epochs * (batches // factor)
            )
        return min(ends, default=None)
