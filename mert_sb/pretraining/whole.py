"""Whole rows as clips: what training on recordings of differing length demands.

``crop_frames: null`` takes each row as it is. A batch of several would have to be padded,
and the norm over time in the 95M's front end would take silence for music; so a batch is
one row, and steps gather several (``grad_accumulation_factor``), each of whose masked
frames counts alike. How long a row may be, and so how much memory a step takes, is for
``prepare.segment_seconds`` to say.

Authors
 * The mert_sb developers 2026
"""

from speechbrain.utils.logger import get_logger

from mert_sb.pretraining.masking import check_spans

logger = get_logger(__name__)


def check_whole_rows(datasets, hparams, clips):
    """Refuse what could not be done with rows of differing length.

    Arguments
    ---------
    datasets : dict of str to DynamicItemDataset
        ``train`` and ``valid``.
    hparams : dict
        With ``train_dataloader_opts``, ``valid_dataloader_opts``, ``mixture``,
        ``hiding`` and ``sample_rate``.
    clips : list of mert_sb.pretraining.crops.Clip
        One for each way of masking that training goes through.

    Raises
    ------
    ValueError
        If a batch has several rows, clips would be mixed with neighbours that are
        not there, or spans do not fit into the shortest row.

    Example
    -------
    >>> options = {"train_dataloader_opts": {"batch_size": 8}}
    >>> check_whole_rows({}, options, [])
    Traceback (most recent call last):
        ...
    ValueError: train_dataloader_opts.batch_size: 8 with crop_frames: null; ...
    """
    _refuse_batches(hparams)
    _refuse_neighbours(hparams)
    for name, dataset in datasets.items():
        rows = {item: dataset.data[item]["length"] for item in dataset.data_ids}
        shortest, longest = min(rows, key=rows.get), max(rows, key=rows.get)
        for clip in clips:
            _check_row(shortest, clip.of(rows[shortest]))
        logger.info(
            "%s: clips are whole rows, the longest %s of %.0f s, which memory "
            "must hold; prepare.segment_seconds bounds them",
            name,
            longest,
            rows[longest] / hparams["sample_rate"],
        )


def _refuse_batches(hparams):
    """Refuse batches of several rows."""
    for key in ("train_dataloader_opts", "valid_dataloader_opts"):
        size = hparams[key]["batch_size"]
        if size != 1:
            raise ValueError(
                f"{key}.batch_size: {size} with crop_frames: null; whole files "
                "differ in length and are not padded. Say batch_size: 1, and "
                f"grad_accumulation_factor: {size} for steps of as many"
            )


def _refuse_neighbours(hparams):
    """Refuse what takes something from other clips of a batch."""
    probability = hparams["mixture"].probability
    if probability:
        raise ValueError(
            f"mixture.probability: {probability} with crop_frames: null; a whole "
            "file is alone in its batch, and nothing is there to be mixed in. Say "
            "mixture.probability: 0.0, or train on crops"
        )
    if hparams["hiding"].from_batch:
        raise ValueError(
            "hiding.replace_from: batch with crop_frames: null; a whole file is "
            "alone in its batch. Say hiding.replace_from: sample"
        )


def _check_row(item, clip):
    """Refuse spans that do not fit into the shortest row."""
    try:
        check_spans(clip.frames, **clip.spans)
    except ValueError as error:
        raise ValueError(
            f"{item}, the shortest row: {error}; or prepare with a higher "
            "min_seconds"
        ) from error
