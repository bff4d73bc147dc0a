"""The embedder: does it run, and does it know Korean?"""

from app.corpus.embedding import choose_embedder
from app.doctor.finding import Finding, ok, warn
from app.errors import DownloadError
from app.models.probe import korean_probe, weight_from_probe
from app.settings import Settings

NAME = "embedder"


def look_at_embedder(settings: Settings) -> Finding:
    """Load it and put it to the Korean probe. Nothing is fetched. Raises what the embedder raises."""
    embedder = choose_embedder(settings, settings.collection_dir, allow_fetch=False).embedder
    try:
        probe = korean_probe(embedder)
    except DownloadError:
        return warn(NAME, f"{embedder.spec}: its weights are not here", "mutda models pull")
    weight = weight_from_probe(probe)
    text = f"{embedder.spec}, Korean probe {probe:.2f}: meaning decides {weight:.0%} of a search"
    if weight == 0:
        return warn(NAME, text, "it does not know Korean; unset MUTDA_EMBEDDER for one that does")
    return ok(NAME, text)
