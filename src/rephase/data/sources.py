"""Where the audio of a corpus comes from and under which licences: facts that travel with trained weights."""

from typing import Any

import numpy as np

from rephase.data.corpus import PackedCorpus
from rephase.data.recipes import RECIPES

# As the sources themselves state them, by the name that manifests give a source.
LICENCES = {name: recipe.licence for name, recipe in RECIPES.items()} | {
    "speechocean762": "free for commercial and non-commercial use",
    "picovoice-s2i": "Apache-2.0",
    "picovoice-ww": "Apache-2.0",
    "esc10": "CC BY 3.0",
    "speech-commands": "CC BY 4.0",
    "moodist": "CC0 or Pixabay Content License",
    "noisekun": "CC0, CC BY, CC BY-SA or public domain",
    "blanket": "CC0, CC BY, CC BY-SA or public domain",
}


def source_facts(corpus: PackedCorpus) -> list[dict[str, Any]]:
    """What a corpus is made of.

    Args:
        corpus: packed audio.

    Returns:
        For each source, sorted by name: `source`, `licence` ("not stated" where it is unknown), `files` and `hours`.
    """
    lengths, sources = corpus.lengths(), np.array(corpus.sources)
    return [
        {
            "source": str(source),
            "licence": LICENCES.get(str(source), "not stated"),
            "files": int((sources == source).sum()),
            "hours": round(float(lengths[sources == source].sum()) / corpus.sample_rate / 3600, 3),
        }
        for source in np.unique(sources)
    ]
