"""Meters: what the log line says, gathered on the device and read now and then.

Authors
 * The mert_sb developers 2026
"""

import time

import torch


class Meters:
    """Weighted means of named numbers, with one transfer to the host a reading.

    Example
    -------
    >>> meters = Meters()
    >>> meters.add({"loss": torch.tensor(1.0)}, weight=1)
    >>> meters.add({"loss": torch.tensor(4.0)}, weight=2)
    >>> meters.read()
    {'loss': 3.0}
    """

    def __init__(self):
        self._sums = {}
        self._weights = {}

    def add(self, values, weight=1.0):
        """Take in a batch.

        Arguments
        ---------
        values : dict of str to torch.Tensor
            Scalars.
        weight : float or torch.Tensor
            Weight of this batch.
        """
        for name, value in values.items():
            weighted = value.detach() * weight
            self._sums[name] = self._sums.get(name, 0.0) + weighted
            self._weights[name] = self._weights.get(name, 0.0) + weight

    def read(self):
        """Means since the last reading.

        Returns
        -------
        dict of str to float
            Empty if nothing was added.
        """
        if not self._sums:
            return {}
        means = torch.stack(
            [
                torch.as_tensor(
                    self._sums[name] / max(self._weights[name], 1e-9)
                ).float()
                for name in self._sums
            ]
        ).tolist()
        read = dict(zip(self._sums, means, strict=True))
        self._sums, self._weights = {}, {}
        return read


class Clock:
    """Audio per second, and the share of time spent waiting for data.

    Example
    -------
    >>> clock = Clock()
    >>> clock.arrived()
    >>> clock.finished(audio_seconds=40.0)
    >>> sorted(clock.read())
    ['audio_per_second', 'data_wait']
    """

    def __init__(self):
        self.restart()

    def restart(self):
        """Begin anew, after a pause that was no training."""
        self._begin = self._idle_since = time.perf_counter()
        self._waited = 0.0
        self._audio = 0.0

    def arrived(self):
        """A batch is there."""
        self._waited += time.perf_counter() - self._idle_since

    def finished(self, audio_seconds):
        """A batch is done.

        Arguments
        ---------
        audio_seconds : float
            Audio in it, over all processes.
        """
        self._audio += audio_seconds
        self._idle_since = time.perf_counter()

    def read(self):
        """Rates since the last reading or restart.

        Returns
        -------
        dict of str to float
            ``audio_per_second`` (times real time) and ``data_wait`` in [0, 1].
        """
        elapsed = max(time.perf_counter() - self._begin, 1e-9)
        rates = {
            "audio_per_second": self._audio / elapsed,
            "data_wait": self._waited / elapsed,
        }
        self.restart()
        return rates
