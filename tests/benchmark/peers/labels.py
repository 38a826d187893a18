"""What the peers call things, under the common labels of the evaluation data."""

# Presidio's names of national numbers end in these; the first that fits counts.
_ENDINGS = (
    ("PASSPORT", "PASSPORT"),
    ("PASSPORT_NUMBER", "PASSPORT"),
    ("DRIVER_LICENSE", "DRIVER_LICENSE"),
    ("DRIVING_LICENCE", "DRIVER_LICENSE"),
    ("FUEHRERSCHEIN", "DRIVER_LICENSE"),
    ("LICENSE_PLATE", "VEHICLE_ID"),
    ("VEHICLE_REGISTRATION", "VEHICLE_ID"),
    ("KFZ", "VEHICLE_ID"),
    ("POSTCODE", "POSTAL_CODE"),
    ("POSTAL_CODE", "POSTAL_CODE"),
    ("PLZ", "POSTAL_CODE"),
    ("TELEPHONE_NUMBER", "PHONE"),
    ("MOBILE_NUMBER", "PHONE"),
    ("VAT_CODE", "TAX_ID"),
    ("VAT_NUMBER", "TAX_ID"),
    ("VAT_ID", "TAX_ID"),
    ("TAX_ID", "TAX_ID"),
    ("TAX_NUMBER", "TAX_ID"),
    ("TIN", "TAX_ID"),
    ("TFN", "TAX_ID"),
    ("ABN", "TAX_ID"),
    ("GSTIN", "TAX_ID"),
    ("NIF", "TAX_ID"),
    ("PAN", "TAX_ID"),
)
_NAMES = {
    # Presidio
    "EMAIL_ADDRESS": "EMAIL",
    "PHONE_NUMBER": "PHONE",
    "IBAN_CODE": "IBAN",
    "CRYPTO": "CRYPTO_WALLET",
    "US_BANK_NUMBER": "BANK_ACCOUNT",
    "ABA_ROUTING_NUMBER": "BANK_ACCOUNT",
    "IN_PAN": "TAX_ID",
    "IT_FISCAL_CODE": "TAX_ID",
    "NRP": "NRP",
    "UUID": "OTHER",
    "MEDICAL_LICENSE": "OTHER",
    "US_NPI": "OTHER",
    "US_CLAIM_NUMBER": "OTHER",
    "US_PRESCRIPTION_NUMBER": "OTHER",
    "US_PRIOR_AUTHORIZATION_NUMBER": "OTHER",
    "US_REFERRAL_NUMBER": "OTHER",
    # scrubadub
    "twitter": "USERNAME",
    "skype": "USERNAME",
    "credential": "PASSWORD",
    "credit_card": "CREDIT_CARD",
    "social_security_number": "US_SSN",
    "national_insurance_number": "NATIONAL_ID",
    "tax_reference_number": "TAX_ID",
    "drivers_licence": "DRIVER_LICENSE",
    "vehicle_licence_plate": "VEHICLE_ID",
    "postalcode": "POSTAL_CODE",
    # DataFog
    "SSN": "US_SSN",
    "DATE": "DATE_TIME",
    "DOB": "DATE_OF_BIRTH",
    "ZIP_CODE": "POSTAL_CODE",
    "DE_IBAN": "IBAN",
    "ADDRESS": "STREET_ADDRESS",
}
_SAME = frozenset(
    {"PERSON", "ORGANIZATION", "LOCATION", "STREET_ADDRESS", "EMAIL", "PHONE", "URL", "IP_ADDRESS", "MAC_ADDRESS"}
    | {"DATE_TIME", "CREDIT_CARD", "IBAN", "US_SSN"}
)
# detect-secrets names its plug-ins in words.
_PASSWORDS = ("Secret Keyword", "Basic Auth Credentials")


def common(label: str) -> str:
    """The common label of a peer's own; a national number of a kind not listed is a NATIONAL_ID."""
    if label in _NAMES:
        return _NAMES[label]
    if label in _SAME or label.upper() in _SAME:
        return label.upper()
    for ending, name in _ENDINGS:
        if label == ending or label.endswith(f"_{ending}"):
            return name
    if label in _PASSWORDS:
        return "PASSWORD"
    return "NATIONAL_ID" if label.isupper() else "SECRET"
