"""emoMusic in miniature: loudness goes with arousal, pitch with valence.

Authors
 * The mert_sb developers 2026
"""

from pathlib import Path

import numpy as np
import soundfile

# Artists of the real set; their names decide between training and validation.
ARTISTS = {
    "train": ("My Bubba & Mi", "Vieux Farka Touré"),
    "valid": ("Kevin MacLeod", "Circus Marcus"),
    "test": ("Jahzzar", "Kevin MacLeod"),
}
N_SONGS = {"train": 8, "valid": 4, "test": 4}
SAMPLE_RATE = 44_100
# The song that is shorter than the others.
SHORT = 9
INFO_HEADER = (
    '"song_id","file_name","Artist","Song title",'
    '"start of the segment (min.sec)","end of the segment (min.sec)",'
    '"Genre","Mediaeval 2013 set"'
)
RATINGS_HEADER = "song_id,mean_arousal,std_arousal,mean_valence,std_valence"


def make_emo(folder, seconds=10.5, suffix=".mp3"):
    """Write 16 clips and their two tables, stray tabs included.

    Arguments
    ---------
    folder : str or pathlib.Path
        Gets ``clips_45seconds`` and ``annotations``.
    seconds : float
        Length of each clip; one is shorter, as some of the real ones are.
    suffix : str
        ``".mp3"`` or ``".wav"``.
    """
    rng = np.random.default_rng(0)
    clips = Path(folder) / "clips_45seconds"
    tables = Path(folder) / "annotations"
    clips.mkdir(parents=True)
    tables.mkdir()
    info, ratings = [INFO_HEADER], [RATINGS_HEADER]
    splits = [split for split, count in N_SONGS.items() for _ in range(count)]
    for song_id, split in enumerate(splits, start=2):
        arousal, valence = rng.uniform(2.0, 8.0, 2).round(4)
        shortened = 0.7 if song_id == SHORT else 0.0
        wav = clip(rng, arousal, valence, seconds - shortened)
        soundfile.write(clips / f"{song_id}{suffix}", wav, SAMPLE_RATE)
        artist = ARTISTS[split][song_id % 2]
        info.append(info_row(song_id, artist, split))
        ratings.append(f"{song_id},{arousal},1.2,{valence},0.9")
    for name, lines in (("songs_info", info), ("static_annotations", ratings)):
        text = "\n".join(lines) + "\n"
        (tables / f"{name}.csv").write_text(text, encoding="utf-8")


def info_row(song_id, artist, split):
    """A row of ``songs_info.csv`` as the real table has them.

    Arguments
    ---------
    song_id : int
        Number of the song.
    artist, split : str
        Artist, and ``"train"``, ``"valid"`` or ``"test"``.

    Returns
    -------
    str
        Without the end of the line.
    """
    subset = "evaluation" if split == "test" else "development"
    return (
        f'{song_id},"\t{song_id}.mp3","{artist}\t","\tSong, {song_id}\t",'
        f'"\t0.48\t","\t1.33\t","\tBlues\t","{subset}"'
    )


def clip(rng, arousal, valence, seconds):
    """A trembling tone in noise.

    Arguments
    ---------
    rng : numpy.random.Generator
        Source of the noise.
    arousal : float
        From 1 to 9; the higher, the louder and faster.
    valence : float
        From 1 to 9; the higher, the higher.
    seconds : float
        Length.

    Returns
    -------
    numpy.ndarray
        ``(S,)``.
    """
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    tone = np.sin(2 * np.pi * 110 * 2 ** (valence / 2) * time)
    tremor = 0.6 + 0.4 * np.sin(2 * np.pi * arousal * time)
    noise = rng.normal(0.0, 0.005, len(time))
    return 0.05 * arousal * tone * tremor + noise
