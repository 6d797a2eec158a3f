from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
import spacy

import spacy_genner
from spacy_genner.labels.label_set import as_labels
from spacy_genner.labels.schemes import definitions, make_labels

SCHEMES = sorted(
    path.stem
    for path in (Path(spacy_genner.__file__).parent / "labels" / "definitions").glob("*.json")
)
NAMES = {
    "ace": "PER FAC GPE LOC VEH ORG WEA",
    "anem": (
        "Organism_subdivision Anatomical_system Organ Multi-tissue_structure Tissue Cell "
        "Developing_anatomical_structure Cellular_component Organism_substance "
        "Immaterial_anatomical_entity Pathological_formation"
    ),
    "bc5cdr": "Chemical Disease",
    "bionlp13cg": (
        "Gene_or_gene_product Cancer Cell Simple_chemical Organism Multi-tissue_structure "
        "Tissue Cellular_component Organ Organism_substance Pathological_formation Amino_acid "
        "Immaterial_anatomical_entity Organism_subdivision Anatomical_system "
        "Developing_anatomical_structure"
    ),
    "btc": "PER LOC ORG",
    "conll2003": "PER ORG LOC MISC",
    "cyner": "Malware Indicator System Organization Vulnerability",
    "few-nerd": (
        "art_broadcastprogram art_film art_music art_other art_writtenart building_airport "
        "building_hospital building_hotel building_restaurant building_sportsfacility "
        "building_theater event_attack/battle/war/militaryconflict event_disaster "
        "event_election event_protest event_sportsevent location_GPE location_bodiesofwater "
        "location_island location_mountain location_other location_road/railway/highway/transit "
        "organization_company organization_education organization_government/governmentagency "
        "organization_media/newspaper organization_other organization_politicalparty "
        "organization_sportsleague organization_sportsteam other_astronomything other_award "
        "other_biologything other_disease other_educationaldegree other_god other_language "
        "other_law other_livingthing other_medical person_actor person_artist/author "
        "person_athlete person_director person_politician person_soldier product_airplane "
        "product_car product_food product_other product_ship product_software product_weapon"
    ),
    "genia": "DNA RNA protein cell_line cell_type",
    "germeval14": (
        "LOC LOCderiv LOCpart ORG ORGderiv ORGpart OTH OTHderiv OTHpart PER PERderiv PERpart"
    ),
    "gum": "person place organization object event time substance animal plant abstract",
    "inlegalner": (
        "COURT PETITIONER RESPONDENT JUDGE LAWYER DATE ORG GPE STATUTE PROVISION PRECEDENT "
        "CASE_NUMBER WITNESS OTHER_PERSON"
    ),
    "mspt": (
        "Material Number Operation Amount-Unit Condition-Unit Material-Descriptor "
        "Condition-Misc Property-Misc Nonrecipe-Material Synthesis-Apparatus Brand "
        "Apparatus-Descriptor Amount-Misc Property-Type Meta Apparatus-Unit Reference "
        "Property-Unit Condition-Type Characterization-Apparatus Apparatus-Property-Type"
    ),
    "ontonotes5": (
        "PERSON NORP FAC ORG GPE LOC PRODUCT EVENT WORK_OF_ART LAW LANGUAGE DATE TIME PERCENT "
        "MONEY QUANTITY ORDINAL CARDINAL"
    ),
    "re3d": (
        "Organisation Location Person Temporal Nationality Quantity Weapon Vehicle "
        "MilitaryPlatform DocumentReference Money Coordinate CommsIdentifier Frequency"
    ),
    "sec-fin": "PER ORG LOC MISC",
    "snips": (
        "album artist best_rating city condition_description condition_temperature country "
        "cuisine current_location entity_name facility genre geographic_poi location_name "
        "movie_name movie_type music_item object_location_type object_name "
        "object_part_of_series_type object_select object_type party_size_description "
        "party_size_number playlist playlist_owner poi rating_unit rating_value restaurant_name "
        "restaurant_type served_dish service sort spatial_relation state timeRange track year"
    ),
    "stackoverflow": (
        "Algorithm Application Class_Name Code_Block Data_Set_Name Data_Structure Data_Type "
        "Device Error_Name File_Name File_Type Function_Name HTML_XML_Tag Keyboard_IP Language "
        "Library Library_Class Library_Function Library_Variable Licence Operating_System "
        "Organization Output_Block User_Interface_Element User_Name Value Variable_Name Version "
        "Website"
    ),
    "stockmark-ja": "人名 法人名 政治的組織名 その他の組織名 地名 施設名 製品名 イベント名",
    "tasteset": (
        "FOOD QUANTITY UNIT PROCESS PHYSICAL_QUALITY COLOR TRADE_NAME TASTE PURPOSE EXAMPLE "
        "DIET PART POSSIBLE_SUBSTITUTE EXCLUDED EXCLUSIVE"
    ),
    "wlp": (
        "Action Reagent Location Device Method Amount Concentration Temperature Time Speed Size "
        "pH Numerical Generic-Measure Measure-Type Modifier Seal Mention"
    ),
    "wnut17": "corporation creative-work group location person product",
}


@pytest.mark.parametrize("scheme", NAMES)
def test_a_scheme_has_its_labels(scheme: str) -> None:
    assert list(definitions(scheme)) == NAMES[scheme].split()


def test_every_scheme_is_known_here() -> None:
    assert sorted(NAMES) == SCHEMES


@pytest.mark.parametrize("scheme", SCHEMES)
def test_definitions_are_single_phrases_and_all_different(scheme: str) -> None:
    texts = [text for wordings in definitions(scheme).values() for text in wordings]
    assert len({text.lower() for text in texts}) == len(texts)
    for text in texts:
        assert text == " ".join(text.split())
        assert not re.search(r"[.!?](\s|$)|。", text), f"more than a phrase: {text}"
    assert all(len(wordings) >= 2 for wordings in definitions(scheme).values())


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_first_definition_is_the_default(scheme: str) -> None:
    made = make_labels(scheme)
    assert made == {label: wordings[0] for label, wordings in definitions(scheme).items()}
    assert as_labels(made) == made


@pytest.mark.parametrize("scheme", ["", "Genia", "genia.json", "../labels"])
def test_an_unknown_scheme_is_refused_with_the_known_ones(scheme: str) -> None:
    with pytest.raises(ValueError, match=r"scheme = '.*': choose one of ace, anem, .*, wnut17"):
        make_labels(scheme)


CORPORA = Path(os.environ.get("GENNER_CORPORA", ""))
# Scheme, files of a corpus, how a label looks in them, labels of the scheme that they do not have.
FILES = [
    ("ace", "litbank/brat/*.ann", r"^T\d+\t(\w+) ", {"WEA"}),
    ("bc5cdr", "bc5cdr/*.tsv", r"\t[BI]-(\S+)$", set()),
    ("btc", "btc/btc.*", r"\t[BI]-(\S+)$", set()),
    ("conll2003", "wikigold/*.conll.txt", r" [BI]-(\S+)$", set()),
    ("sec-fin", "sec-fin/FIN*.txt", r" [BI]-(\S+)$", set()),
    ("genia", "genia/genia.*.iob2", r"\t[BI]-(\S+)(?:\t|$)", set()),
    ("germeval14", "germeval14/germ.dev.iob2", r"\t[BI]-(\S+)(?:\t|$)", set()),
    ("stockmark-ja", "stockmark-ja/ner.json", r'"type": "(.*)"', set()),
    ("wnut17", "wnut17/*.conll", r"\t[BI]-(\S+)$", set()),
]


@pytest.mark.skipif("GENNER_CORPORA" not in os.environ, reason="GENNER_CORPORA names no folder")
@pytest.mark.parametrize(("scheme", "files", "pattern", "absent"), FILES)
def test_the_names_are_those_of_the_corpus(
    scheme: str, files: str, pattern: str, absent: set[str]
) -> None:
    texts = [path.read_text("utf-8") for path in CORPORA.glob(files)]
    found = {label for text in texts for label in re.findall(pattern, text, re.MULTILINE)}
    assert found == set(definitions(scheme)) - absent


def test_a_configuration_names_the_other_wordings() -> None:
    paraphrases = {"@misc": "spacy_genner.Definitions.v1", "scheme": "genia"}
    block = {"sampling": {"@misc": "spacy_genner.LabelSampling.v1", "paraphrases": paraphrases}}
    sampling = spacy.registry.resolve(block, validate=True)["sampling"]
    assert sampling.paraphrases == definitions("genia")
