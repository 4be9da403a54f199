"""EnCodec's codes in batches against the package's loop over single files.

> python tests/benchmarks/encodec_codes.py [--weights encodec_24khz-d7cc33bc.th]

Without weights both have the same random ones; the share of equal codes is then of those,
and real codebooks, which lie otherwise, can have another. The codecs are given clips that
are in memory: reading files is no part of it.

Authors
 * The mert_sb developers 2026
"""

import torch

from _machine import peak_memory
from _paired import compare, is_installed, parser_of
from cqt import RATE, chords
from mert_sb.teachers import EncodecTeacher

# Of the encoder and 8 codebooks, a second: convolutions, LSTM, distances.
FLOP = 3.1e9


def package_codec(weights):
    """The package's own codec; random weights are those of ours."""
    from encodec import EncodecModel

    model = EncodecModel.encodec_model_24khz(pretrained=False).eval()
    model.set_target_bandwidth(6.0)
    if weights:
        model.load_state_dict(torch.load(weights, weights_only=True))
        return model
    ours = EncodecTeacher(pretrained=False).model.state_dict()
    convolutions = [
        module
        for module in model.modules()
        if isinstance(module, torch.nn.Conv1d | torch.nn.ConvTranspose1d)
    ]
    for module in convolutions:
        torch.nn.utils.remove_weight_norm(module)
    model.load_state_dict(ours)
    for module in convolutions:
        torch.nn.utils.weight_norm(module)
    return model


def build_ours(weights, n_clips, seconds):
    """Codes of a batch."""
    settings = {"weights": weights} if weights else {"pretrained": False}
    teacher = EncodecTeacher(**settings)
    wavs = chords(n_clips, seconds)
    return torch.no_grad()(lambda: teacher.frame_targets(wavs))


def build_loop(weights, n_clips, seconds):
    """Codes of one clip after another."""
    model = package_codec(weights)
    wavs = chords(n_clips, seconds)

    @torch.no_grad()
    def loop():
        codes = [model.encode(wav[None, None])[0][0] for wav in wavs]
        return torch.cat(codes).mT

    return loop


def measure(weights, n_clips, seconds):
    """One size of batch."""
    size = (weights, n_clips, seconds)
    ours, loop = build_ours(*size), build_loop(*size)
    equal = (ours() == loop()).float().mean()
    kind = "" if weights else ", random weights"
    record = compare(
        f"EnCodec codes, {n_clips} clips of {seconds:g} s",
        ours,
        loop,
        peer_name="encodec, clip by clip",
        flop=FLOP * n_clips * seconds,
        goal=3,
        memory=(peak_memory(build_ours, *size), peak_memory(build_loop, *size)),
        also=f"{equal:.3%} of codes equal{kind}",
        rounds=3,
        budget=15,
        packages=["encodec"],
        samples_per_second=RATE,
    )
    speed = n_clips * seconds / record["seconds"]["ours"]["median"]
    print(f"{speed:.0f} times real time")


def main():
    """Measure."""
    parser = parser_of(__doc__)
    parser.add_argument("--weights")
    parser.add_argument(
        "--sizes",
        nargs="+",
        default=["16x5", "4x30"],
        help="clips x seconds (default: 16x5 4x30)",
    )
    arguments = parser.parse_args()
    if not is_installed("encodec"):
        return
    for size in arguments.sizes:
        n_clips, seconds = size.split("x")
        measure(arguments.weights, int(n_clips), float(seconds))


if __name__ == "__main__":
    main()
