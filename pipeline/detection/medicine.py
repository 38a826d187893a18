"""Diagnoses and medication: names by their stems (INN, ICD-10 chapters), codes beside the word that names them."""

from pipeline.detection.gazetteer import listed, word_rule
from pipeline.detection.rules import Rule

_DIAGNOSES = listed("""
acne aids hiv hiv-positive alzheimer's alzheimer's_disease anaemia anemia angina anorexia anxiety_disorder
appendicitis arrhythmia arthritis asthma atherosclerosis autism bipolar_disorder breast_cancer bronchitis bulimia
cancer carcinoma cataract celiac_disease chlamydia cholera chronic_kidney_disease cirrhosis colitis colon_cancer copd
covid-19 crohn's_disease cystic_fibrosis dementia dengue depression dermatitis diabetes diabetes_mellitus diabetic
diphtheria diverticulitis down_syndrome eczema emphysema endometriosis epilepsy fibromyalgia gastritis glaucoma
glioblastoma gonorrhea gonorrhoea gout heart_failure hemophilia hepatitis hepatitis_b hepatitis_c hernia herpes
hodgkin's_lymphoma hypercholesterolemia hyperlipidemia hypertension hyperthyroidism hypothyroidism influenza leukemia
leukaemia lung_cancer lupus lymphoma malaria measles melanoma meningitis migraine migraines multiple_sclerosis
myocardial_infarction myopia neuropathy obesity osteoarthritis osteoporosis pancreatitis parkinson's
parkinson's_disease pneumonia post-traumatic_stress_disorder prostate_cancer psoriasis psychosis ptsd
rheumatoid_arthritis schizophrenia sciatica scoliosis sepsis sickle_cell_anemia sinusitis stroke syphilis tachycardia
thrombosis tuberculosis ulcerative_colitis type_2_diabetes type_1_diabetes krebs brustkrebs bluthochdruck
diabetes_mellitus lungenentzündung schlaganfall herzinfarkt depressionen schizophrenie epilepsie demenz hepatitis
asthma_bronchiale rheuma cancer_du_sein hypertension_artérielle diabète pneumonie dépression schizophrénie épilepsie
sida asthme démence cáncer hipertensión neumonía depresión esquizofrenia epilepsia asma demencia_senil sida leucemia
ipertensione polmonite depressione schizofrenia epilessia tumore diabete hipertensão pneumonia depressão esquizofrenia
cancro câncer kanker borstkanker hoge_bloeddruk suikerziekte longontsteking dementie nowotwór cukrzyca nadciśnienie
padaczka schizofrenia zapalenie_płuc astma depresja
""")
# WHO's INN stems: what ends in one is a drug.
_DRUG = (
    r"[a-z]{2,14}(?:statin|sartan|dipine|olol|prazole|cillin|mycin|floxacin|cycline|azepam|azolam|tidine|"
    r"triptan|gliptin|gliflozin|"
    r"glutide|parin|mab|tinib|ciclib|vir|navir|vudine|setron|oxetine|triptyline|caine|profen|coxib|"
    r"conazole|thiazide|barbital|"
    r"codone|morphone|profene|formin|lukast|terol|asone|isolone|pril|xaban|gatran|zosin|afil|dronate|"
    r"platin|rubicin|taxel|trexate|"
    r"statina|prazol|cilina|mazepine|zodone|zapine|peridone|piprazole|lamide|semide)"
)
_NAMED_DRUGS = listed("""
acetaminophen paracetamol aspirin ibuprofen insulin warfarin metformin morphine codeine fentanyl methadone
buprenorphine naloxone lithium sertraline citalopram escitalopram venlafaxine bupropion trazodone mirtazapine
haloperidol clozapine gabapentin pregabalin topiramate lamotrigine levetiracetam phenytoin carbamazepine valproate
methylphenidate amphetamine levothyroxine prednisone prednisolone hydrocortisone tamoxifen anastrozole methotrexate
hydroxychloroquine adalimumab digoxin amiodarone clopidogrel heparin furosemide spironolactone nitroglycerin
salbutamol montelukast cetirizine loratadine xanax prozac zoloft valium ritalin adderall viagra lipitor humira ozempic
oxycontin vicodin percocet tylenol paracétamol ibuprofène paracetamolo insulina insuline ibuprofeno morfina morfin
insulin_glargine
""")
_MEASURED = frozenset(
    [
        "about",
        "approximately",
        "contains",
        "dose",
        "doses",
        "daily",
        "total",
        "approx",
        "range",
        "below",
        "above",
        "under",
        "weighs",
        "water",
        "every",
        "value",
        "with",
        "from",
        "plus",
        "than",
        "least",
    ]
)
_NO_DRUG = frozenset(
    ["april", "reservoir", "devoir", "avoir", "savoir", "pouvoir", "souvenir", "revoir", "vouloir", "elixir", "control"]
)

RULES = (
    word_rule(
        "DIAGNOSIS_MEDICATION",
        _DIAGNOSES | _NAMED_DRUGS,
        lambda text, start, end: 0.6 if text[start:end].lower() != "aids" or text[start].isupper() else 0,
    ),
    Rule(
        entity="DIAGNOSIS_MEDICATION",
        context=(
            *(
                "diagnosis",
                "diagnosed with",
                "suffers from",
                "suffering from",
                "treated for",
                "history of",
                "prescribed",
                "medication",
            ),
            *("medications", "allergic to", "diagnose", "diagnostiziert mit", "leidet an", "medikation", "medikament"),
            *(
                "diagnostic",
                "souffre de",
                "atteint de",
                "traitement",
                "diagnóstico",
                "diagnosticado de",
                "padece",
                "medicación",
            ),
            *(
                "diagnosi",
                "affetto da",
                "soffre di",
                "farmaci",
                "sofre de",
                "medicação",
                "lijdt aan",
                "medicatie",
                "diagnoza",
                "rozpoznanie",
            ),
        ),
        link=r"[\"'`)*]{0,3}\s{0,2}[:=]?[ \t]{0,2}[\"'`(*]{0,3}",
        pattern=_DRUG,
        check=lambda value: value.lower() not in _NO_DRUG,
        score=0.7,
    ),
    Rule(  # 20 mg after a name makes it one
        entity="DIAGNOSIS_MEDICATION",
        anchor=r"(?i)[a-z]{4,20}[ ]\d{1,4}(?:[.,]\d{1,3})?[ ]?(?:mg|mcg|\xc2\xb5g|ug|ml|iu|ui)\b",
        pattern=(
            r"(?i)[a-z]{5,20} \d{1,4}(?:[.,]\d{1,3})?\s?(?:mg|mcg|µg|ug|ml|iu|ui)\b(?:/(?:day|kg|d|h|día|jour|tag)"
            r")?"
        ),
        check=lambda value: value.split(" ")[0].lower() not in _MEASURED,
        score=0.6,
    ),
    Rule(
        entity="DIAGNOSIS_MEDICATION",
        context=(
            "icd",
            "icd-10",
            "icd10",
            "icd code",
            "cie-10",
            "cim-10",
            "diagnosis code",
            "dx",
            "diagnose",
            "diagnoseschlüssel",
            "diagnosis",
        ),
        link=r"[\"'`)*]{0,3}\s{0,2}(?:code|-10|10|cm|:|=|\s){0,4}[ \t]{0,2}[\"'`(*]{0,3}",
        pattern=r"[A-TV-Z]\d[0-9AB](?:\.[0-9A-Z]{1,4})?",
        score=0.75,
    ),
)
