"""How the made-up council words things: headers, choices and codes of its files, from our codes."""

from __future__ import annotations

from collections.abc import Mapping

SHEET = "Missing and RHI tracker"
TITLE = "Missing children and return home interviews"
NUMBER_FORMATS = {"date": "dd/mm/yyyy", "date_time": "dd/mm/yyyy hh:mm"}
TRACKER_HEADERS = (
    "Ref",
    "Child ID",
    "DOB",
    "Gender",
    "Status with social care",
    "Date & time missing",
    "Date & time returned",
    "Reported",
    "Missing or away",
    "Police ref",
    "Police risk",
    "Missing from",
    "Placement type",
    "Home / carer ref",
    "In borough?",
    "Returned by",
    "RHI status",
    "RHI offered",
    "RHI date",
    "Attempts",
    "Reason declined",
    "Interviewer",
    "Independent?",
    "How held",
    "Other refs covered",
    "Triggers (all that apply)",
    "Main trigger",
    "Child's account",
    "Child feels they were missing?",
    "Harm while away?",
    "Actions",
)
SEX = {"female": "Female", "male": "Male", "other": "Other", "not_stated": "Not stated"}
SEX_903 = {"female": "F", "male": "M", "other": "U", "not_stated": "U"}
CARE_STATUS = {
    "looked_after": "CLA",
    "child_protection": "CP",
    "child_in_need": "CIN",
    "early_help": "EH",
    "none": "Not open",
}
CATEGORY = {"missing": "Missing", "away": "Away", "no_apparent_risk": "No apparent risk"}
#: The returns have no code for "no apparent risk"; what was not treated as missing stands there as away.
MISSING_OR_AWAY = {"missing": "M", "away": "A", "no_apparent_risk": "A"}
RISK: Mapping[str | None, str | None] = {
    "no_apparent_risk": "No apparent risk",
    "low": "Low",
    "medium": "Medium",
    "high": "High",
    None: None,
}
SETTING = {"home": "Home", "care": "Placement", "school": "School", "other": "Other"}
PLACEMENT: Mapping[str | None, str | None] = {
    "foster": "Foster care",
    "kinship": "Kinship care",
    "childrens_home": "Children's home",
    "supported_accommodation": "Supported accommodation",
    "secure": "Secure children's home",
    "residential_school": "Residential school",
    "parents": "Placed with parents",
    None: None,
}
RETURNED_BY: Mapping[str | None, str | None] = {
    "self": "Returned themselves",
    "police": "Police",
    "carer": "Carer",
    "family": "Family",
    "other": "Other",
    None: None,
}
STATUS: Mapping[str | None, str | None] = {
    "completed": "Completed",
    "completed_partial": "Completed - partial",
    "declined": "Offered and declined (by YP)",
    "accepted_not_held": "Offered and accepted (CYP not present/refused on arrival)",
    "offered_pending": "Offered - awaiting",
    "not_offered_missing_again": "Not offered (missing again)",
    "not_offered_no_contact": "Not offered (unable to make contact)",
    "not_offered_other": "Not offered (other)",
    "not_required": "Not required",
    "covered_by_other": "Covered by another RHI",
    "unknown": None,
    None: None,
}
ROLE: Mapping[str | None, str | None] = {
    "independent_service": "Independent service",
    "local_authority_team": "LA missing team",
    "social_worker": "Social worker",
    "youth_worker": "Youth worker",
    None: None,
}
MODE: Mapping[str | None, str | None] = {
    "face_to_face": "Face to face",
    "phone": "Phone",
    "video": "Video call",
    None: None,
}
HARM: Mapping[str | None, str | None] = {"no": "No", "suspected": "Suspected", "yes": "Yes", None: None}
YES_NO: Mapping[bool | None, str | None] = {True: "Yes", False: "No", None: None}
ANSWERS = {
    "asked_none": "None",
    "unknown": "Unknown",
    "declined_to_say": "Declined to say",
    "other_specified": "Other (please specify)",
}
#: Offered and accepted, by rung. A child who was not there counts as not accepted, as systems derive it.
SSD_FLAGS: Mapping[str | None, tuple[str | None, str | None]] = {
    "completed": ("Y", "Y"),
    "completed_partial": ("Y", "Y"),
    "covered_by_other": ("Y", "Y"),
    "declined": ("Y", "N"),
    "accepted_not_held": ("Y", "N"),
    "offered_pending": ("Y", None),
    "not_offered_missing_again": ("N", None),
    "not_offered_no_contact": ("N", None),
    "not_offered_other": ("N", None),
    "not_required": ("NA", "NA"),
    "unknown": (None, None),
    None: (None, None),
}
#: SSDA903 codes of 2025/26 by placement type; where there are several, one is drawn.
PLACES: Mapping[str, tuple[str, ...]] = {
    "foster": ("U4", "U5", "U6", "U6"),
    "kinship": ("U1", "U2", "U3"),
    "childrens_home": ("K2",),
    "supported_accommodation": ("K3",),
    "secure": ("K1",),
    "residential_school": ("S1",),
    "parents": ("P1",),
}


def place_code(placement_type: str, share: float) -> str:
    """Return an SSDA903 PLACE code for a placement; ``share`` in [0, 1) chooses among several.

    Raises
    ------
    Nothing.

    Examples
    --------
    >>> place_code("childrens_home", 0.3)
    'K2'
    """
    options = PLACES[placement_type]
    return options[int(share * len(options))]
