"""Stems of MUSDB18's songs, or of another collection, by probing or fine-tuning.

> python train.py hparams/separation.yaml --data_folder /path/to/musdb18hq
> python train.py hparams/separation.yaml --data_folder /path/to/songs \
>     --stems '[guitar, rest]' --mixture null --split own --output_folder results/guitar

Results: ``<output_folder>/results.json`` and ``predictions.csv``; ``inference``, to
separate with.

Authors
 * The mert_sb developers 2026
"""

import sys
from pathlib import Path

import speechbrain as sb
import torch
from speechbrain.utils.data_pipeline import provides, takes

from mert_sb.audio.channels import read_channels, stereo
from mert_sb.downstream.open import open_frames
from mert_sb.downstream.separation.brain import SeparationBrain
from mert_sb.downstream.separation.mixes import draw_mix
from mert_sb.inference import export_separation
from mert_sb.recipe import run
from mert_sb.seeds import item_generator
from musdb18_prepare import prepare_musdb18

# What a checkpoint goes on with as it was.
OF_A_RUN = (
    "crop_seconds",
    "gains",
    "n_fft",
    "overlap_seconds",
    "remix",
    "samples_per_song",
    "wiener",
    "window_seconds",
)


def dataio_prep(hparams):
    """Manifests to random mixes for training, and whole songs.

    Arguments
    ---------
    hparams : dict
        From the YAML.

    Returns
    -------
    dict of str to DynamicItemDataset
        ``train`` draws new mixes each epoch.
    """
    # The shared ones look at one state and give one row of outputs.
    hparams["mix"], hparams["head"] = (
        hparams["stem_mixes"],
        hparams["stem_heads"],
    )
    open_frames(hparams, Path(__file__).parent, OF_A_RUN)
    return {
        "train": mixes(hparams),
        "valid": songs(hparams, "valid"),
        "test": songs(hparams, "test"),
    }


def mixes(hparams):
    """The reading pipeline of training: ``samples_per_song`` mixes a song."""
    rate, counter = hparams["sample_rate"], hparams["epoch_counter"]
    seed, crop = hparams["seed"], round(hparams["crop_seconds"] * rate)
    rows = read_rows(hparams, "train")
    places = list(rows.values())
    options = {
        "lengths": [row["length"] for row in places],
        "n_stems": len(hparams["stems"]),
        "crop": crop,
        "gains": hparams["gains"],
        "remix": hparams["remix"],
    }

    def read_draw(stem, draw):
        row = places[draw.song]
        path = Path(row["wav"]) / row["stem_files"][stem]
        wavs = stereo(read_channels(path, draw.start, crop, rate), path)
        return draw.gain * (wavs.flip(0) if draw.swap else wavs)

    @takes("id", "own", "turn")
    @provides("stems")
    def mix_pipeline(item, own, turn):
        generator = item_generator(seed, counter.current, item, "mix")
        draws = draw_mix(own, turn, generator=generator, **options)
        return torch.stack([read_draw(k, d) for k, d in enumerate(draws)])

    items = {
        f"{song}--{turn:03d}": {"own": own, "turn": turn}
        for own, song in enumerate(rows)
        for turn in range(hparams["samples_per_song"])
    }
    return sb.dataio.dataset.DynamicItemDataset(
        items, dynamic_items=[mix_pipeline], output_keys=["id", "stems"]
    )


def songs(hparams, split):
    """The reading pipeline of validation and test: whole songs."""
    rate = hparams["sample_rate"]

    @takes("wav", "length", "stem_files", "mixture_file")
    @provides("stems", "mixture")
    def song_pipeline(folder, length, stem_files, mixture_file):
        def read(name):
            path = Path(folder) / name
            return stereo(read_channels(path, 0, length, rate), path)

        stems = torch.stack([read(name) for name in stem_files])
        yield stems
        # Without a file of its own the mixture is the sum.
        yield read(mixture_file) if mixture_file else stems.sum(0)

    return sb.dataio.dataset.DynamicItemDataset(
        read_rows(hparams, split),
        dynamic_items=[song_pipeline],
        output_keys=["id", "track", "stems", "mixture"],
    )


def read_rows(hparams, split):
    """A manifest's rows by id, the data folder filled in."""
    return sb.dataio.dataio.load_data_json(
        f"{hparams['save_folder']}/{split}.json",
        {"data_root": hparams["data_folder"]},
    )


if __name__ == "__main__":
    brain = run(SeparationBrain, prepare_musdb18, dataio_prep, sys.argv[1:])
    own = brain.hparams.split == "own"
    name = Path(brain.hparams.data_folder).name if own else None
    export_separation(brain, Path(__file__).parent, data=name)
