"""One training step of the 95M by part.

> python tests/benchmarks/step_profile.py [--clips 4] [--precision fp32 bf16]

Forward a part is the time between its modules' entry and exit. Backward it is the time
from the arrival of its gradient to that of the next part's, so that a norm or a residual
counts to the part after which it comes there. With matplotlib a figure too.

Authors
 * The mert_sb developers 2026
"""

import time
from collections import defaultdict

import torch

from _paired import FOLDER, is_installed, parser_of, save_table
from _steps import DTYPES, made_batch, made_brain

PARTS = (
    "front end",
    "projection",
    "position",
    "attention",
    "network",
    "heads and loss",
    "CQT",
    "optimizer",
    "rest",
)


class Watch:
    """A Brain's step, timed by part.

    Arguments
    ---------
    brain : Pretraining
        Hooks are put on its modules.
    """

    def __init__(self, brain):
        self.brain = brain
        self.forward, self.backward = defaultdict(float), defaultdict(float)
        self.label, self.since = None, 0.0
        student = brain.modules.student
        self._watch("front end", student.frontend)
        self._watch("projection", student.projection)
        self._watch("position", student.encoder.position)
        for layer in student.encoder.layers:
            self._watch("attention", layer.attention)
            self._watch("network", layer.ffn)
        for name in brain.heads:
            self._watch("heads and loss", brain.modules[name])
        self._watch("CQT", brain.teachers["cqt"])
        self._wrap_backward()

    def _watch(self, part, module):
        """Time a module under a part's name."""
        began = []

        def enter(*_):
            began.append(time.perf_counter())

        def leave(_module, _inputs, output):
            taken = time.perf_counter() - began.pop()
            # Recomputed in the backward pass, it belongs there.
            if self.label is None:
                self.forward[part] += taken
            if isinstance(output, torch.Tensor) and output.requires_grad:
                output.register_hook(lambda _: self._turn(part))

        module.register_forward_pre_hook(enter)
        module.register_forward_hook(leave)

    def _turn(self, part):
        """From now on time is a part's, backward."""
        now = time.perf_counter()
        if self.label is not None:
            self.backward[self.label] += now - self.since
        self.label, self.since = part, now

    def _wrap_backward(self):
        """Backward begins where the loss is there and ends where the optimizer steps."""
        compute, step = (
            self.brain.compute_objectives,
            self.brain.optimizers_step,
        )

        def objectives(*arguments):
            start = time.perf_counter()
            loss = compute(*arguments)
            self.forward["heads and loss"] += time.perf_counter() - start
            self._turn("heads and loss")
            return loss

        def optimizer(*arguments):
            self._turn(None)
            start = time.perf_counter()
            step(*arguments)
            self.forward["optimizer"] += time.perf_counter() - start

        self.brain.compute_objectives = objectives
        self.brain.optimizers_step = optimizer

    def steps(self, batch, n_steps):
        """Seconds of a step, forward and backward by part."""
        self.forward.clear()
        self.backward.clear()
        start = time.perf_counter()
        for _ in range(n_steps):
            self.brain.step += 1
            self.brain.fit_batch(batch)
        whole = time.perf_counter() - start
        known = sum(self.forward.values()) + sum(self.backward.values())
        self.forward["rest"] = whole - known
        return whole / n_steps, {
            part: (self.forward[part] / n_steps, self.backward[part] / n_steps)
            for part in PARTS
        }


def draw(parts, title, path):
    """Bars, forward and backward behind one another."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 3.2), layout="constrained")
    names = list(parts)[::-1]
    there, back = zip(*(parts[name] for name in names), strict=True)
    axes.barh(names, there, label="forward")
    axes.barh(names, back, left=there, label="backward")
    axes.set_xlabel("seconds")
    axes.set_title(title)
    axes.legend()
    figure.savefig(path, dpi=120)
    pyplot.close(figure)


def main():
    """Measure."""
    parser = parser_of(__doc__)
    parser.add_argument("--clips", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument(
        "--precision", nargs="*", default=list(DTYPES), choices=DTYPES
    )
    arguments = parser.parse_args()
    batch = made_batch(arguments.clips, arguments.seconds)
    for precision in arguments.precision:
        watch = Watch(made_brain(precision, arguments.clips, layerdrop=0.0))
        watch.steps(batch, 1)
        whole, parts = watch.steps(batch, arguments.steps)
        size = f"{arguments.clips} x {arguments.seconds:g} s, {precision}"
        title = f"One training step, {size}"
        rows = [
            [
                part,
                f"{ahead:.3f}",
                f"{back:.3f}",
                f"{(ahead + back) / whole:.1%}",
            ]
            for part, (ahead, back) in parts.items()
        ]
        ahead, back = (
            sum(times) for times in zip(*parts.values(), strict=True)
        )
        rows.append(["all", f"{ahead:.3f}", f"{back:.3f}", f"{whole:.3f} s"])
        save_table(title, ["part", "forward s", "backward s", "share"], rows)
        if is_installed("matplotlib"):
            draw(
                parts,
                f"{title}: {whole:.2f} s",
                FOLDER / f"step-{precision}.png",
            )


if __name__ == "__main__":
    main()
