"""A class for each family of tasks, and which one opens a folder.

B batch, S samples, n clips of a file, C outputs.

Authors
 * The mert_sb developers 2026
"""

import torch

from mert_sb.downstream.tracks import aggregate
from mert_sb.inference.task_interface import TaskInterface
from mert_sb.inference.task_modules import read_source


class MusicClassifier(TaskInterface):
    """One of C labels: genre, instrument, singer, key.

    Example
    -------
    >>> MusicClassifier.from_folder("./absent")
    Traceback (most recent call last):
        ...
    FileNotFoundError: task.json of ./absent: ...
    """

    FAMILIES = ("single_label", "key")

    def together(self, outputs):
        """Probabilities of a file, from its clips as the test put them together.

        Arguments
        ---------
        outputs : torch.Tensor
            ``(n, C)`` logits.

        Returns
        -------
        torch.Tensor
            ``(C,)``, of sum one; by ``vote``, shares of the clips.
        """
        way = self.task.aggregation
        if way == "logits":
            return outputs.mean(0).softmax(0)
        scores, _ = aggregate(outputs.cpu(), [""] * len(outputs), way)
        scores = torch.from_numpy(scores[0]).float().to(outputs.device)
        if way == "vote":
            return scores / len(outputs)
        return scores if way == "mean" else scores.softmax(0)

    def classify_batch(self, wavs, wav_lens=None):
        """Classify clips, each by itself.

        Arguments
        ---------
        wavs : torch.Tensor
            ``(B, S)`` at the task's rate.
        wav_lens : torch.Tensor, optional
            ``(B,)`` valid share of each clip, in (0, 1].

        Returns
        -------
        tuple of (torch.Tensor, torch.Tensor, torch.Tensor, list of str)
            Probabilities ``(B, C)``; of each clip the highest ``(B,)``, its index
            ``(B,)`` and its label.
        """
        return self._classified(self.predict_batch(wavs, wav_lens))

    def classify_file(self, path, *, batch_size=8):
        """Classify a file of any length.

        Arguments
        ---------
        path : str or pathlib.Path
            An audio file.
        batch_size : int
            Clips at once.

        Returns
        -------
        tuple of (torch.Tensor, torch.Tensor, torch.Tensor, list of str)
            As ``classify_batch``, B being 1.
        """
        outputs = self.outputs_file(path, batch_size=batch_size)
        return self._classified(self.together(outputs)[None])

    def _classified(self, probabilities):
        score, index = probabilities.max(-1)
        labels = [self.task.labels[place] for place in index.tolist()]
        return probabilities, score, index, labels


class KeyEstimator(MusicClassifier):
    """The key of a file, a ``MusicClassifier`` whose labels are keys.

    Example
    -------
    >>> KeyEstimator.FAMILIES
    ('key',)
    """

    FAMILIES = ("key",)


class MusicTagger(TaskInterface):
    """Any of C tags.

    Example
    -------
    >>> MusicTagger.FAMILIES
    ('multi_label',)
    """

    FAMILIES = ("multi_label",)

    def together(self, outputs):
        """Probabilities of a file's tags.

        Arguments
        ---------
        outputs : torch.Tensor
            ``(n, C)`` logits.

        Returns
        -------
        torch.Tensor
            ``(C,)``, each by itself.
        """
        return outputs.mean(0).sigmoid()

    def tag_file(self, path, top_k=None, *, batch_size=8):
        """Tag a file.

        Arguments
        ---------
        path : str or pathlib.Path
            An audio file.
        top_k : int, optional
            Only the most probable so many; None: all.
        batch_size : int
            Clips at once.

        Returns
        -------
        dict of str to float
            Probability by tag, the highest first.
        """
        return self.predict_file(path, top_k=top_k, batch_size=batch_size)


class EmotionRegressor(TaskInterface):
    """C numbers, such as arousal and valence; as ratings, where their scale is known.

    Example
    -------
    >>> EmotionRegressor.FAMILIES
    ('regression',)
    """

    FAMILIES = ("regression",)
    RANKED = False

    def together(self, outputs):
        """Numbers of a file.

        Arguments
        ---------
        outputs : torch.Tensor
            ``(n, C)`` as trained on.

        Returns
        -------
        torch.Tensor
            ``(C,)`` on the scale of the ratings.
        """
        numbers = outputs.mean(0)
        if self.task.scale is None:
            return numbers
        mean, std = (
            torch.tensor(self.task.scale[key], device=numbers.device)
            for key in ("mean", "std")
        )
        return numbers * std + mean


CLASSES = {
    "single_label": MusicClassifier,
    "key": KeyEstimator,
    "multi_label": MusicTagger,
    "regression": EmotionRegressor,
}


def open_task(source, *, fetch_config=None, run_opts=None):
    """Open a task's folder with the class of its family.

    Arguments
    ---------
    source : str or pathlib.Path
        Folder or Hub id.
    fetch_config : speechbrain.utils.fetching.FetchConfig, optional
        As of ``TaskInterface.from_folder``.
    run_opts : dict, optional
        As of ``TaskInterface.from_folder``.

    Returns
    -------
    TaskInterface
        Ready to use.

    Example
    -------
    >>> open_task("./absent")
    Traceback (most recent call last):
        ...
    FileNotFoundError: task.json of ./absent: ...
    """
    task, fetch_config = read_source(source, fetch_config)
    return CLASSES[task.family].from_folder(
        source, fetch_config=fetch_config, run_opts=run_opts
    )
