"""Key, style, instrument or pitch of minimusic, by probing.

> python train.py hparams/probe.yaml --task key --data_folder /path/to/pieces
> python train.py hparams/probe.yaml --task pitch --data_folder /path/to/notes \
>     --upstream ../../recipes/downstream/upstreams/mel.yaml

Results: ``<output_folder>/results.json`` and ``predictions.csv``; ``inference``, to
predict with. The comparison of upstreams on all four tasks is ``probes.py``.

Authors
 * The mert_sb developers 2026
"""

import sys
from pathlib import Path

import speechbrain as sb
from speechbrain.utils.data_pipeline import provides, takes

from mert_sb.audio.reader import read_crop
from mert_sb.downstream.clip import ClipBrain
from mert_sb.downstream.open import open_upstream
from mert_sb.inference import export_task
from mert_sb.recipe import run
from minimusic_prepare import LABELS, prepare_minimusic


def dataio_prep(hparams):
    """Manifests to clips and classes.

    Arguments
    ---------
    hparams : dict
        From the YAML.

    Returns
    -------
    dict of str to Dataset
        Of audio, or of cached states.
    """
    sample_rate = hparams["sample_rate"]

    @takes("wav", "start", "length")
    @provides("sig")
    def audio_pipeline(wav, start, length):
        return read_crop(wav, start, length, sample_rate)

    labels = LABELS[hparams["task"]]

    @takes("label")
    @provides("target")
    def label_pipeline(label):
        return labels.index(label)

    datasets = {
        split: sb.dataio.dataset.DynamicItemDataset.from_json(
            f"{hparams['save_folder']}/{split}.json",
            replacements={"data_root": hparams["data_folder"]},
            dynamic_items=[audio_pipeline, label_pipeline],
            output_keys=["id", "sig", "target", "track"],
        )
        for split in ("train", "valid", "test")
    }
    return open_upstream(hparams, datasets, Path(__file__).parent, labels)


if __name__ == "__main__":
    brain = run(ClipBrain, prepare_minimusic, dataio_prep, sys.argv[1:])
    export_task(brain, LABELS[brain.hparams.task], Path(__file__).parent)
