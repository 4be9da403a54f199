"""Reporting: the log line, with what meters, clock and instruments have gathered.

Authors
 * The mert_sb developers 2026
"""

from pathlib import Path

from mert_sb.pretraining.meters import Clock, Meters
from mert_sb.pretraining.spikes import write_spikes
from mert_sb.saving_brain import SavingBrain


class ReportingBrain(SavingBrain):
    """A Brain that writes a log line every ``log_interval`` optimizer steps.

    Beside it steps whose loss spikes go into ``<output_folder>/spikes.csv``.

    Arguments
    ---------
    modules : dict
        As ``speechbrain.Brain``.
    opt_class : callable
        Builds the optimizer from parameters.
    hparams : dict
        With the keys of ``HPARAMS_NEEDED``.
    run_opts : speechbrain.RunOptions
        From the command line.
    checkpointer : CompleteCheckpointer
        Saves and resumes.

    Example
    -------
    See ``Pretraining``.
    """

    HPARAMS_NEEDED = (
        "train_logger",
        "loggers",
        "log_interval",
        "instruments",
        "spikes",
        "output_folder",
    )

    def __init__(self, modules, opt_class, hparams, run_opts, checkpointer):
        super().__init__(modules, opt_class, hparams, run_opts, checkpointer)
        self.meters, self.clock = Meters(), Clock()
        self.instruments = self.hparams.instruments
        self.losses = self.hparams.spikes
        # Optional: a run begun without it can be gone on with.
        self.checkpointer.add_recoverable(
            "losses", self.losses, optional_load=True
        )
        self.lr = float("nan")
        self.last_loss = float("nan")
        self.train_stats = {}

    def log_due(self, step):
        """Whether a log line follows an optimizer step.

        Arguments
        ---------
        step : int
            Number of the step.

        Returns
        -------
        bool
            Every ``log_interval`` steps.
        """
        return step % self.hparams.log_interval == 0

    def report(self, returns=0):
        """Write the log line and the spikes.

        Arguments
        ---------
        returns : int
            How often training has returned to a checkpoint.

        Returns
        -------
        mert_sb.pretraining.spikes.Reading
            The losses since the last line.
        """
        self.meters.add(self.instruments.read())
        stats, reading = self.meters.read(), self.losses.read()
        self.last_loss = stats["loss"]
        self.train_stats = {
            **stats,
            "spikes": len(reading.spikes),
            "skipped": self.skips.read(),
            "lr": self.lr,
            **self.clock.read(),
            **self.pace(),
        }
        self.log(train_stats=self.train_stats)
        table = Path(self.hparams.output_folder) / "spikes.csv"
        write_spikes(table, reading, returns)
        return reading

    def log(self, **stats):
        """Write statistics to the text log and to whatever else the YAML lists.

        Arguments
        ---------
        **stats : dict
            ``train_stats``, ``valid_stats`` or ``test_stats``.
        """
        # Not "epoch": the W&B logger would take it for the x axis of step lines.
        meta = {
            "Epoch": self.hparams.epoch_counter.current,
            "step": self.optimizer_step,
        }
        for train_logger in (self.hparams.train_logger, *self.hparams.loggers):
            self.write_stats(train_logger, meta, **stats)

    def update_average(self, loss, avg_loss):
        """The number beside the progress bar.

        Arguments
        ---------
        loss : float
            From ``fit_batch`` or ``evaluate_batch``.
        avg_loss : float
            Not used: means are kept by the meters.

        Returns
        -------
        float
            The loss.
        """
        del avg_loss
        self.count_batch(loss=float(loss))
        return float(loss)
