"""The dice: a random generator per item, the same wherever the item is read.

Crops, masks and mixtures are drawn from generators seeded by (seed, epoch, item),
never from a worker's or a rank's global state: so they are equal on any number of
workers, different for different items, and exact after a restart.

Authors
 * The mert_sb developers 2026
"""

import hashlib

import torch


def item_seed(seed, epoch, item_id, purpose):
    """A 63-bit seed for one use of one item.

    Arguments
    ---------
    seed : int
        Seed of the experiment.
    epoch : int
        Current epoch; give a constant where draws must not change (validation).
    item_id : str
        Identity of the item in its manifest.
    purpose : str
        What is drawn, so that crop, mask and mixture are independent.

    Returns
    -------
    int
        Between 0 and 2**63 - 1; unlike ``hash``, the same in every process.

    Example
    -------
    >>> item_seed(1337, 1, "a", "mask") == item_seed(1337, 1, "a", "mask")
    True
    >>> item_seed(1337, 1, "a", "mask") == item_seed(1337, 2, "a", "mask")
    False
    """
    text = f"{seed}\0{epoch}\0{item_id}\0{purpose}".encode()
    digest = hashlib.blake2b(text, digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1


def item_generator(seed, epoch, item_id, purpose):
    """A generator on the CPU seeded by ``item_seed``.

    Arguments
    ---------
    seed : int
        Seed of the experiment.
    epoch : int
        Current epoch.
    item_id : str
        Identity of the item.
    purpose : str
        What is drawn.

    Returns
    -------
    torch.Generator
        Independent of the global generators, which are left alone.

    Example
    -------
    >>> generator = item_generator(1337, 1, "a", "crop")
    >>> torch.randint(10, (), generator=generator).shape
    torch.Size([])
    """
    generator = torch.Generator()
    return generator.manual_seed(item_seed(seed, epoch, item_id, purpose))
