"""What the stub says, by language."""

import re

import msgspec


class Phrases(msgspec.Struct, frozen=True, kw_only=True):
    """`{who}` is a person, `{what}` a list of details; the last two stand in where there are none."""

    common_words: str
    letter: str
    summary: str
    nobody: str
    nothing: str


_ENGLISH = Phrases(
    common_words="",
    letter=(
        "Dear {who},\n\n"
        "thank you for your message. "
        "We have looked into it and noted: {what}. "
        "You will hear from us within two working days.\n\n"
        "Kind regards\nCustomer Support"
    ),
    summary=("In short: {who} wrote to us. Details given: {what}. Next step: answer within two working days."),
    nobody="customer",
    nothing="no further details",
)
_GERMAN = Phrases(
    common_words="das der die ich ist und wir eine mein bitte meine nicht",
    letter=(
        "Guten Tag {who},\n\n"
        "vielen Dank für Ihre Nachricht. "
        "Wir haben sie geprüft und vermerkt: {what}. "
        "Sie hören innerhalb von zwei Werktagen von uns.\n\n"
        "Mit freundlichen Grüßen\nIhr Kundenservice"
    ),
    summary=("Kurz gefasst: {who} hat uns geschrieben. Angaben: {what}. Nächster Schritt: Antwort in zwei Werktagen."),
    nobody="Kundin, Kunde",
    nothing="keine weiteren Angaben",
)
_FRENCH = Phrases(
    common_words="et je le est les mon pas une nous pour vous bonjour",
    letter=(
        "Bonjour {who},\n\n"
        "merci pour votre message. "
        "Nous l'avons examiné et avons noté : {what}. "
        "Vous aurez de nos nouvelles sous deux jours ouvrés.\n\n"
        "Cordialement\nLe service client"
    ),
    summary=("En bref : {who} nous a écrit. Informations : {what}. Prochaine étape : répondre sous deux jours."),
    nobody="cher client",
    nothing="pas d'autres informations",
)
_SPANISH = Phrases(
    common_words="y el es mi los por que una hola para favor usted",
    letter=(
        "Hola, {who}:\n\n"
        "gracias por su mensaje. "
        "Lo hemos revisado y hemos anotado: {what}. "
        "Tendrá noticias nuestras en dos días hábiles.\n\n"
        "Un saludo\nAtención al cliente"
    ),
    summary=("En resumen: {who} nos ha escrito. Datos: {what}. Siguiente paso: responder en dos días hábiles."),
    nobody="cliente",
    nothing="sin más datos",
)
_ITALIAN = Phrases(
    common_words="e è il che gli mia mio non per una ciao sono",
    letter=(
        "Buongiorno {who},\n\n"
        "grazie per il messaggio. "
        "Lo abbiamo esaminato e abbiamo annotato: {what}. "
        "Riceverà notizie entro due giorni lavorativi.\n\n"
        "Cordiali saluti\nServizio clienti"
    ),
    summary=("In breve: {who} ci ha scritto. Dati: {what}. Prossimo passo: rispondere entro due giorni."),
    nobody="cliente",
    nothing="nessun altro dato",
)


def phrases_for(text: str) -> Phrases:
    """Guess the language by its commonest words; English when unsure."""
    words = re.findall(r"\b[^\W\d_]+\b", text.lower())
    others = (_GERMAN, _FRENCH, _SPANISH, _ITALIAN)
    scores = [sum(word in phrases.common_words.split() for word in words) for phrases in others]
    best = max(scores)
    return others[scores.index(best)] if best >= 2 else _ENGLISH
