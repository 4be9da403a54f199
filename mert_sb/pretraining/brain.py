"""The Brain of pretraining: clean audio to teachers, mixed audio to the student, loss on
masked frames (section 3, equation 4).

B batch, S samples, T frames, M masked frames of the batch, D width.

Authors
 * The mert_sb developers 2026
"""

import speechbrain as sb
from speechbrain.utils.checkpoints import ckpt_recency

from mert_sb.pretraining.heads import CodebookHead
from mert_sb.pretraining.meters import Meters
from mert_sb.pretraining.stability import CodeUsage
from mert_sb.pretraining.stepping import SteppingBrain
from mert_sb.pretraining.thinning import thin
from mert_sb.pretraining.yardsticks import Yardsticks, skills


class Pretraining(SteppingBrain):
    """Masked prediction of the teachers' targets.

    ``modules`` holds ``student`` and one head for each teacher, named as it. In
    ``hparams`` the teachers are factories (``!name:``): a stored one is never built.
    Precision, clipping and accumulation come from the YAML or the command line.

    Arguments
    ---------
    modules : dict
        ``student`` and the heads.
    opt_class : callable
        Builds the optimizer from parameters.
    hparams : dict
        With the keys of ``HPARAMS_NEEDED``.
    run_opts : speechbrain.RunOptions
        From the command line.
    checkpointer : CompleteCheckpointer
        Saves and resumes.

    Raises
    ------
    ValueError
        If heads, teachers and loss weights name different things, or a teacher is
        for another sample rate.

    Example
    -------
    See ``recipes/pretrain/AudioFolder/train.py``.
    """

    HPARAMS_NEEDED = (
        *SteppingBrain.HPARAMS_NEEDED,
        "teachers",
        "stored",
        "loss_weights",
        "mixture",
        "hiding",
        "card",
    )

    def __init__(self, modules, opt_class, hparams, run_opts, checkpointer):
        for name, module in modules.items():
            if name != "student":
                checkpointer.add_recoverable(f"{name}_head", module)
        super().__init__(modules, opt_class, hparams, run_opts, checkpointer)
        # As it is before several processes wrap it.
        self.subsample = self.modules.student.subsample
        self.heads = [name for name in self.modules if name != "student"]
        self._check()
        self.n_codes = {
            name: self.modules[name].codes.shape[1]
            for name in self.heads
            if isinstance(self.modules[name], CodebookHead)
        }
        self.sees_visible = {
            name for name in self.n_codes if self.modules[name].visible_weight
        }
        self.teachers = {
            name: factory().to(self.device)
            for name, factory in self.hparams.teachers.items()
            if name not in self.hparams.stored
        }
        for name, teacher in self.teachers.items():
            if teacher.sample_rate != self.hparams.sample_rate:
                raise ValueError(
                    f"teachers: {name} is for {teacher.sample_rate} Hz, but "
                    f"sample_rate is {self.hparams.sample_rate}"
                )
            self._check_codes(name, teacher)
        self._begin_validation()

    def _begin_validation(self):
        """Empty what a validation gathers."""
        self.valid_meters, self.yardsticks = Meters(), Yardsticks()
        self.code_usage = CodeUsage()

    def _check_codes(self, name, teacher):
        """Refuse a head of other codebooks than its teacher's."""
        if name not in self.n_codes:
            return
        ours = tuple(self.modules[name].codes.shape[:2])
        theirs = (teacher.n_codebooks, teacher.codebook_size)
        if ours != theirs:
            raise ValueError(
                f"teachers: {name} gives {theirs[0]} codebooks of {theirs[1]}, its "
                f"head is for {ours[0]} of {ours[1]}; set n_codebooks and "
                "codebook_size to the teacher's, or fit a new teacher elsewhere"
            )

    def _check(self):
        """Refuse names that do not match."""
        weighted = set(self.hparams.loss_weights) - {"feature_penalty"}
        if not set(self.heads) == set(self.hparams.teachers) == weighted:
            raise ValueError(
                f"modules has heads {sorted(self.heads)}, teachers are "
                f"{sorted(self.hparams.teachers)}, loss_weights are for "
                f"{sorted(weighted)}: the YAML must name the same in all three"
            )
        unknown = set(self.hparams.card) - {"name", "data", "licence"}
        if unknown:
            raise ValueError(
                f"card: {sorted(unknown)} are not name, data, licence"
            )
        unknown = set(self.hparams.stored) - set(self.heads)
        if unknown:
            raise ValueError(f"stored: {sorted(unknown)} are no teachers")

    def compute_forward(self, batch, stage):
        """Student and heads on a batch.

        Arguments
        ---------
        batch : PaddedBatch
            ``sig`` ``(B, S)``, ``mask`` ``(B, T)``, ``mixture_seed``,
            ``hiding_seed``, and ``target_<name>`` for each stored teacher, of all
            frames that the student joins.
        stage : sb.Stage
            Clips are mixed in training only.

        Returns
        -------
        tuple of (dict, dict, torch.Tensor)
            Results of the heads by teacher, targets ``(B, T, .)`` by teacher, the
            feature penalty.
        """
        # Read before they are on a device, which each read would wait for.
        seeds = batch.mixture_seed.tolist(), batch.hiding_seed.tolist()
        batch = batch.to(self.device)
        clean, mask = batch.sig.data, batch.mask.data
        targets = {
            name: thin(
                self.teachers[name](clean)
                if name in self.teachers
                else batch[f"target_{name}"].data,
                self.subsample,
            )
            for name in self.heads
        }
        wavs = clean
        if stage == sb.Stage.TRAIN:
            wavs = self.hparams.mixture(clean, seeds[0])
        with self.instruments.watch_attention():
            states, penalty = self.modules.student(
                wavs,
                mask=mask,
                show=self.hparams.hiding(mask, seeds[1]),
                output_hidden_states=[-1] if self.sees_visible else False,
                output_penalty="dealt",
            )
        return self._compare(states, targets, mask), targets, penalty

    def _compare(self, states, targets, mask):
        """Results of the heads; states are of all frames where visible ones count."""
        masked = states[0][mask] if self.sees_visible else states
        results = {}
        for name in self.heads:
            rows = [masked, targets[name][mask]]
            if name in self.sees_visible:
                rows.append((states[0][~mask], targets[name][~mask]))
            results[name] = self.modules[name](*rows)
        return results

    def compute_objectives(self, predictions, batch, stage):
        """Weighted sum of the teachers' losses and the feature penalty.

        Arguments
        ---------
        predictions : tuple
            From ``compute_forward``.
        batch : PaddedBatch
            The batch.
        stage : sb.Stage
            In validation yardsticks are taken beside the losses.

        Returns
        -------
        torch.Tensor
            Scalar.
        """
        results, targets, penalty = predictions
        mask = batch.mask.data.to(self.device)
        weights = self.hparams.loss_weights
        loss = weights["feature_penalty"] * penalty
        values = {"feature_penalty": penalty}
        for name, result in results.items():
            loss = loss + weights[name] * result["loss"]
            values[f"{name}_loss"] = result["loss"]
            if "accuracy" in result:
                values[f"{name}_accuracy"] = result["accuracy"].mean()
        values["loss"] = loss
        if stage == sb.Stage.TRAIN:
            self.meters.add(values)
            if self.instruments.due:
                usage = self.instruments.usage
                self._count_codes(usage, results, targets, mask)
            return loss
        self._count_codes(self.code_usage, results, targets, mask)
        for name, result in results.items():
            for index, accuracy in enumerate(result.get("accuracy", ())):
                values[f"{name}_accuracy_{index}"] = accuracy
            n_codes = self.n_codes.get(name)
            self.yardsticks.add(name, targets[name], mask, n_codes=n_codes)
        self.valid_meters.add(values, weight=mask.sum())
        return loss

    def _count_codes(self, usage, results, targets, mask):
        """Which codes occur at masked frames."""
        if self.instruments.codes:
            for name, n_codes in self.n_codes.items():
                predicted = results[name]["prediction"]
                usage.add(name, targets[name][mask], predicted, n_codes)

    def on_stage_start(self, stage, epoch=None):
        """Empty what is gathered per stage.

        Arguments
        ---------
        stage : sb.Stage
            Training or validation.
        epoch : int
            Current epoch.
        """
        super().on_stage_start(stage, epoch)
        if stage != sb.Stage.TRAIN:
            self._begin_validation()

    def on_stage_end(self, stage, stage_loss, epoch=None):
        """Log the validation with yardsticks and skills; save a checkpoint.

        Arguments
        ---------
        stage : sb.Stage
            Training or validation.
        stage_loss : float
            Not used.
        epoch : int
            Current epoch.
        """
        if stage == sb.Stage.TRAIN:
            return
        stats = {**self.valid_meters.read(), **self.yardsticks.read()}
        stats |= skills(stats)
        if stage == sb.Stage.TEST:
            self.log(test_stats=stats)
            return
        usage = self.code_usage.read().items()
        codes = {name: value.item() for name, value in usage}
        self.log(valid_stats={**stats, **codes})
        # The checkpoint's meta is read by a safe YAML loader: plain numbers only.
        held_out = {name: float(value) for name, value in stats.items()}
        self.losses.gather()
        self.checkpointer.save_and_keep_only(
            ckpt_predicate=self.recovery.deletable(self.checkpointer),
            meta={
                "loss": held_out["loss"],
                "step": self.optimizer_step,
                "held_out": held_out,
            },
            min_keys=["loss"],
            num_to_keep=1,
            importance_keys=[ckpt_recency],
        )

    def held_out(self):
        """Numbers of the last validation, for the model card.

        Returns
        -------
        dict of str to float
            From the newest checkpoint that followed a validation, so that they are
            known after a restart too.
        """
        newest = self.checkpointer.find_checkpoint(
            ckpt_predicate=lambda checkpoint: "held_out" in checkpoint.meta
        )
        return newest.meta["held_out"] if newest else {}
