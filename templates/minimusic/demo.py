"""The whole chain in a quarter of an hour on a CPU: music, pretraining, probes, a report.

> python demo.py
> python demo.py --music /path/to/folder

Composes and renders minimusic (or takes your own folder), fits MelRVQ, pretrains the small
student of ``recipes/pretrain/AudioFolder/hparams/cpu.yaml``, loads the encoder it wrote, and
asks what was learned: masked frames beside trivial guesses; key, style, instrument, pitch and
beats of minimusic beside the same student untrained and log-mel bands, which are asked on
another core meanwhile; pitch from few labels. Ends with ``<output>/report.html``; what the
scripts say meanwhile is in the logs beside. The same command goes on where a stopped run was.

Authors
 * The mert_sb developers 2026
"""

import argparse
import hashlib
import json
import os
import re
import shlex
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from threading import Event

import torch

from asking import Asked, run_commands, write_untrained
from demo_report import tell, write_page
from make_dataset import make_dataset
from mert_sb.audio.reader import read_crop
from mert_sb.inference import MusicEncoder

ROOT = Path(__file__).resolve().parents[2]
RECIPE = ROOT / "recipes" / "pretrain" / "AudioFolder"
HOURS = 1.05
SECONDS = 5
YAML = "hparams/cpu.yaml"


def parse_arguments():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--music", type=Path, help="a folder of your own")
    parser.add_argument(
        "--output", type=Path, default=ROOT / "results" / "demo"
    )
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument(
        "--hours", type=float, default=1.7, help="of pieces to probe on"
    )
    return parser.parse_args()


def faster_precision():
    """bf16 where this processor multiplies faster in it than in float32."""
    times = {}
    for name, dtype in (("fp32", torch.float32), ("bf16", torch.bfloat16)):
        left, right = torch.rand(2, 1024, 1024).to(dtype)
        left @ right
        begin = time.perf_counter()
        for _ in range(20):
            left @ right
        times[name] = time.perf_counter() - begin
    return min(times, key=times.get)


def training_flags(steps, precision):
    """Flags of a run of so many steps."""
    return [
        *("--optimizer_step_limit", str(steps)),
        *("--warmup_steps", str(steps // 10)),
        *("--precision", precision, "--eval_precision", precision),
    ]


def pretrain(music, output, flags, yaml=YAML):
    """Run the recipe, saying how."""
    command = [sys.executable, "train.py", str(yaml)]
    command += ["--data_folder", str(music.resolve())]
    command += ["--output_folder", str(output.resolve()), *flags]
    print(f"\nPretraining, in {RECIPE.relative_to(ROOT)}:")
    print("  python", shlex.join(command[1:]), "\n", flush=True)
    # Threads that wait actively make a step ten times slower on busy cores; one core is
    # for what runs beside.
    threads = max(1, (os.cpu_count() or 1) - 1)
    environment = {
        "OMP_WAIT_POLICY": "PASSIVE",
        "MERT_SB_PREEMPTED_EXIT": "75",
        "OMP_NUM_THREADS": str(threads),
        **os.environ,
    }
    done = subprocess.run(command, cwd=RECIPE, env=environment, check=False)
    if done.returncode:
        sys.exit(f"Pretraining ended with status {done.returncode}, see above.")


def last_validation(log):
    """Numbers of the last validation in a training log."""
    lines = [line for line in log.read_text().splitlines() if "valid" in line]
    return {
        key: float(value)
        for key, value in re.findall(r"valid (\w+): ([-+.\deE]+)", lines[-1])
    }


def tell_what_was_learned(log):
    """The student beside the trivial guesses, on clips it never saw."""
    valid = last_validation(log)
    print("\nMasked frames of held-out files, guessed by")
    print(f"{'':30}{'code accuracy':>16}{'CQT error':>14}")
    rows = (
        ("the student", "mel_rvq_accuracy", "cqt_loss"),
        ("the commonest code", "mel_rvq_commonest", None),
        ("the clip's mean", None, "cqt_clip_mean"),
        ("the nearest visible frame", "mel_rvq_nearest", "cqt_nearest"),
        ("interpolation", None, "cqt_interpolate"),
    )
    for name, accuracy, error in rows:
        accuracy = f"{valid[accuracy]:.1%}" if accuracy else ""
        error = f"{valid[error]:.4f}" if error else ""
        print(f"{name:30}{accuracy:>16}{error:>14}")
    print(
        "A student that has not passed the last two rows knows a clip's average "
        "and little\nof what happens in it: that takes more steps than a demo has."
    )


def encode_one(folder, music):
    """Load the encoder as a user would and encode a few seconds."""
    encoder = MusicEncoder.from_hparams(folder)
    sample_rate = encoder.hparams.sample_rate
    rows = json.loads((folder.parent / "save" / "valid.json").read_text())
    name, row = next(iter(rows.items()))
    path = row["wav"].format_map({"data_root": music})
    length = min(SECONDS * sample_rate, row["length"])
    clip = read_crop(path, row["start"], length, sample_rate)
    states = encoder.encode_batch(clip[None])
    print(f"\nIts states for {length / sample_rate:.1f} s of {name}:")
    print(f"  {tuple(states.shape)}: layers + 1, batch, frames, width")


def learn(arguments, music, begin):
    """Pretrain on one core, ask the rivals on another; then both ask what is left."""
    mark = hashlib.sha1(str(music.resolve()).encode()).hexdigest()[:8]
    # Another folder is another experiment.
    output = arguments.output.resolve() / f"pretraining-{mark}"
    asked = Asked(output / "probes", arguments.hours)
    flags = training_flags(arguments.steps, faster_precision())
    rivals = write_untrained(RECIPE / YAML, output / "untrained")
    encoder, stop = output / "encoder", Event()
    # First come, first served.
    with ThreadPoolExecutor(2) as cores:
        trained = cores.submit(pretrain, music, output, flags)
        made = cores.submit(
            run_commands, asked.music(), output / "music.log", stop
        )

        def answer(name, command):
            made.result()
            run_commands([command], output / f"{name}.log", stop)

        def ask(questions):
            return [cores.submit(answer, *pair) for pair in questions.items()]

        try:
            answers = ask(asked.of_rivals(rivals))
            trained.result()
            answers += ask(asked.of_student(encoder))
            tell_what_was_learned(output / "train_log.txt")
            encode_one(encoder, music)
            print(f"\n{minutes(begin)}: asking the student ...", flush=True)
            for number, done in enumerate(as_completed(answers), 1):
                done.result()
                said = f"{number} of {len(answers)} answers"
                print(f"{minutes(begin)}: {said}", flush=True)
        finally:
            # After a failure nothing goes on in the background.
            stop.set()
            cores.shutdown(cancel_futures=True)
    return output, asked


def minutes(begin):
    """Since then, as text."""
    return f"{(time.perf_counter() - begin) / 60:.1f} min"


def main():
    """Make the music, learn from it, show the result."""
    arguments = parse_arguments()
    begin = time.perf_counter()
    music = arguments.music
    if music is None:
        folder = arguments.output / "minimusic"
        print(f"Composing and rendering {HOURS} hours of minimusic ...")
        make_dataset(folder, hours=HOURS)
        music = folder / "audio"
    output, asked = learn(arguments, music, begin)
    tell(asked)
    page = write_page(asked, output, arguments.output)
    print(
        f"\nDone in {minutes(begin)}."
        f"\n  music    {music}"
        f"\n  log      {output / 'train_log.txt'}"
        f"\n  encoder  {output / 'encoder'}, for MusicEncoder.from_hparams"
        f"\n  report   {page}"
    )


if __name__ == "__main__":
    main()
