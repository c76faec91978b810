"""Freezes the scores of another implementation, for crates/texnet-score/tests/frozen.rs.

    python tools/score_peer.py          writes crates/texnet-score/tests/data/peer.json

Needs numpy, pillow and `tools/texture_score.py` in the folder that TEXNET_SHARED names (../shared by default). That
program draws directions and patches at random: what is frozen is the mean over seeds, with the deviation of one seed. The
pairs are crops of assets/exemplars, some of them blurred or pasted into each other, which the test makes again.
"""

import json
import os
import sys
from multiprocessing import Pool
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parent.parent
SHARED = Path(os.environ.get("TEXNET_SHARED", ROOT.parent / "shared"))
sys.path.insert(0, str(SHARED / "tools"))
import texture_score as peer  # noqa: E402

SEEDS = range(16)
FIGURES = ["swd", "swd0", "swd3", "spec", "fit", "cover", "copy"]


def crop(name, top, left, height, width):
    image = peer.load(ROOT / f"assets/exemplars/{name}.png")
    return image[top : top + height, left : left + width]


def blurred(image):
    """Means of 3x3 pixels on the torus."""
    around = [np.roll(image, (dy, dx), (0, 1)) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
    return sum(around) / np.float32(9)


def pasted(image, other):
    """The left half of one picture beside the right half of the other."""
    return np.concatenate([image[:, : image.shape[1] // 2], other[:, image.shape[1] // 2 :]], 1)


def pairs():
    gravel = crop("gravel", 0, 0, 180, 176)
    return {
        "cobbles elsewhere": (crop("cobbles", 0, 0, 192, 192), crop("cobbles", 170, 150, 171, 201)),
        "bark blurred": (crop("bark", 40, 30, 160, 181), blurred(crop("bark", 150, 200, 160, 181))),
        "scales for straw": (crop("straw", 0, 0, 150, 160), crop("scales", 10, 20, 160, 150)),
        "gravel half copied": (gravel, pasted(crop("gravel", 4, 6, 170, 160), crop("cloth", 0, 0, 170, 160))),
    }


def figures(exemplar, picture):
    runs = []
    for seed in SEEDS:
        peer.RNG = seed
        runs.append(peer.score(exemplar, picture, peer.projections()))
    values = {name: [float(run[name]) for run in runs] for name in FIGURES}
    return {name: [float(np.mean(v)), float(np.std(v))] for name, v in values.items()}


def main():
    with Pool() as pool:
        frozen = dict(zip(pairs(), pool.starmap(figures, pairs().values())))
    path = ROOT / "crates/texnet-score/tests/data/peer.json"
    path.write_text(json.dumps(frozen, indent=1) + "\n")


if __name__ == "__main__":
    main()
