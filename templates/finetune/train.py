"""Fine-tune a MERT encoder to tell classes of music apart.

> python train.py hparams/frozen.yaml --data_folder /path/to/music --n_classes 3

``data_folder`` holds a folder of audio files for each class. The YAML says how much of
the encoder learns: nothing, LoRA adapters, or all of it; this file is the same for the
three. For a task of your own copy this folder and change the label rule, the head in
the YAML and ``Classifier``.

B batch, S samples, T frames, D width, L layers, N classes.

Authors
 * The mert_sb developers 2026
"""

import sys
from pathlib import Path

import speechbrain as sb
from speechbrain.utils.data_pipeline import provides, takes
from torch.nn import functional as F

from classes_prepare import prepare_classes
from mert_sb.audio.reader import draw_crop_start, read_crop
from mert_sb.downstream import mean_over_time
from mert_sb.downstream.brain import DownstreamBrain
from mert_sb.recipe import run
from mert_sb.seeds import item_generator


class Classifier(DownstreamBrain):
    """Encoder, mean over time, mix of layers, linear head."""

    def compute_forward(self, batch, stage):
        """Logits ``(B, N)``."""
        wavs, wav_lens = batch.to(self.device).sig  # (B, S), (B,)
        states = self.modules.encoder(
            wavs, wav_lens, output_hidden_states=True
        )  # (L + 1, B, T, D)
        pooled = mean_over_time(
            states, wavs.shape[1], wav_lens, self.hparams.student.subsample
        )
        mixed = self.modules.layer_mix(pooled.transpose(0, 1))  # (B, D)
        return self.modules.head(mixed)

    def compute_objectives(self, logits, batch, stage):
        """Cross-entropy; what is measured here is logged."""
        labels = batch.label.to(self.device)
        losses = F.cross_entropy(logits.float(), labels, reduction="none")
        self.measure(loss=losses, accuracy=logits.argmax(-1) == labels)
        return losses.mean()


def dataio_prep(hparams):
    """Manifests to clips and labels.

    Arguments
    ---------
    hparams : dict
        From the YAML.

    Returns
    -------
    dict of str to DynamicItemDataset
        ``train``, with new crops in each epoch, ``valid`` and ``test``, with the
        middle of each row.
    """
    label_encoder = hparams["label_encoder"]
    datasets = {
        split: clips(hparams, split, label_encoder)
        for split in ("train", "valid", "test")
    }
    path = Path(hparams["save_folder"]) / "label_encoder.txt"
    label_encoder.expect_len(hparams["n_classes"])
    label_encoder.load_or_create(
        path=path,
        from_didatasets=[datasets["train"]],
        output_key="class_name",
    )
    if len(label_encoder) != hparams["n_classes"]:
        raise ValueError(
            f"n_classes is {hparams['n_classes']}, but {path} has "
            f"{len(label_encoder)}: {', '.join(label_encoder.lab2ind)}"
        )
    return datasets


def clips(hparams, split, label_encoder):
    """The reading pipeline and the label rule of one manifest."""
    sample_rate, counter = hparams["sample_rate"], hparams["epoch_counter"]
    crop_samples = round(hparams["crop_seconds"] * sample_rate)

    @takes("id", "wav", "start", "length")
    @provides("sig")
    def audio_pipeline(item, wav, start, length):
        # A shorter clip is padded in the batch.
        wanted = min(length, crop_samples)
        offset = (length - wanted) // 2
        if split == "train":
            dice = item_generator(
                hparams["seed"], counter.current, item, "crop"
            )
            offset = draw_crop_start(length, wanted, generator=dice)
        return read_crop(wav, start + offset, wanted, sample_rate)

    @takes("wav")
    @provides("class_name", "label")
    def label_pipeline(wav):
        class_name = Path(wav).relative_to(hparams["data_folder"]).parts[0]
        yield class_name
        yield label_encoder.encode_label(class_name)

    return sb.dataio.dataset.DynamicItemDataset.from_json(
        Path(hparams["save_folder"]) / f"{split}.json",
        replacements={"data_root": hparams["data_folder"]},
        dynamic_items=[audio_pipeline, label_pipeline],
        output_keys=["id", "sig", "label"],
    )


if __name__ == "__main__":
    run(Classifier, prepare_classes, dataio_prep, sys.argv[1:])
