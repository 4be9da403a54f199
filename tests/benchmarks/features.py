"""All states of the 95M for 20 s of audio, against transformers' HuBERT of equal weights.

> python tests/benchmarks/features.py [--clips 4] [--seconds 5] [--rounds 7]

Both in float32, then both in bf16 autocast, each in a process of its own, by turns. The
peer attends through SDPA. Said too: the greatest relative error of a state (norm of the
difference over norm) against our own float32 states, ours and the peer's.

Authors
 * The mert_sb developers 2026
"""

import torch

from _machine import Apart
from _paired import compare, parser_of
from _students import (
    as_hubert,
    forward_flop,
    has_transformers,
    made_clips,
    made_student,
)

GOALS = {torch.float32: 1.3, torch.bfloat16: 2.5}
NAMES = {torch.float32: "float32", torch.bfloat16: "bf16"}


def states(who, dtype, n_clips, seconds):
    """A function that gives the states ``(L + 1, B, T, D)``."""
    student, wavs = made_student(), made_clips(n_clips, seconds)
    model = as_hubert(student).eval() if who == "peer" else student

    @torch.inference_mode()
    def encode():
        with torch.autocast("cpu", dtype, enabled=dtype != torch.float32):
            if who == "ours":
                return model(wavs, output_hidden_states=True)
            return torch.stack(
                model(wavs, output_hidden_states=True).hidden_states
            )

    return encode


def error_of(given, wanted):
    """The greatest relative error of a state."""
    wanted = wanted.flatten(1)
    difference = (given.float().flatten(1) - wanted).norm(dim=1)
    return (difference / wanted.norm(dim=1)).max().item()


def main():
    """Measure."""
    parser = parser_of(__doc__)
    parser.add_argument("--clips", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    sizes = (arguments.clips, arguments.seconds)
    contenders = ["ours", "peer"] if has_transformers() else ["ours"]
    settings = made_student().settings
    flop = forward_flop(settings, arguments.clips, made_clips(*sizes).shape[1])
    wanted = states("ours", torch.float32, *sizes)()
    for dtype, goal in GOALS.items():
        errors = {
            who: error_of(states(who, dtype, *sizes)(), wanted)
            for who in contenders
            if (who, dtype) != ("ours", torch.float32)
        }
        works = [Apart(states, who, dtype, *sizes) for who in contenders]
        compare(
            f"95M states of {arguments.clips} x {arguments.seconds:g} s, "
            f"{NAMES[dtype]}",
            *works,
            peer_name="transformers' HubertModel",
            flop=flop,
            dtype=dtype,
            goal=goal,
            rounds=arguments.rounds,
            also=", ".join(
                f"error of {who} {error:.1e}" for who, error in errors.items()
            ),
            errors=errors,
        )
        for work in works:
            work.close()


if __name__ == "__main__":
    main()
