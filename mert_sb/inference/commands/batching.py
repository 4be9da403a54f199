"""Windows of many files, gathered into batches of one length.

Authors
 * The mert_sb developers 2026
"""

# Batches' worth of windows that may wait for others of their length.
PATIENCE = 4


class Batcher:
    """Gathers windows; a batch may hold windows of different files.

    Files that are shorter than a chunk have windows of all lengths, many of which
    never find company. So where too many wait, the length that has waited longest
    becomes a batch that is not full.

    Arguments
    ---------
    batch_size : int
        Windows of a full batch.

    Example
    -------
    >>> from mert_sb.inference.commands.loading import WindowRead
    >>> batcher = Batcher(2)
    >>> batcher.add(WindowRead("a", 0, [0.0] * 400))
    []
    >>> batcher.add(WindowRead("a", 1, [0.0] * 500))
    []
    >>> batch = batcher.add(WindowRead("b", 0, [0.0] * 400))
    >>> [window.job for window in batch]
    ['a', 'b']
    >>> [len(batch) for batch in batcher.rest()]
    [1]
    """

    def __init__(self, batch_size):
        self.batch_size = batch_size
        self.waiting = {}

    def add(self, window):
        """Add a window.

        Arguments
        ---------
        window : mert_sb.inference.commands.loading.WindowRead
            Just read; those of a file come in order and leave in order.

        Returns
        -------
        list of WindowRead
            A batch to be encoded now, or nothing.
        """
        length = len(window.wav)
        group = self.waiting.setdefault(length, [])
        group.append(window)
        if len(group) == self.batch_size:
            return self.waiting.pop(length)
        if sum(map(len, self.waiting.values())) > PATIENCE * self.batch_size:
            return self.waiting.pop(next(iter(self.waiting)))
        return []

    def rest(self):
        """Batches of what is left.

        Yields
        ------
        list of WindowRead
            Of one length each.
        """
        while self.waiting:
            yield self.waiting.pop(next(iter(self.waiting)))
