"""Every number of the made-up borough, with where it comes from.

The figures are *calibrated to abstracts and official summaries*, not fitted to records: nobody's data were used.
Where no source is named the value is our own choice, made so that the published totals come out.
"""

from __future__ import annotations

from collections.abc import Mapping

MINUTES_PER_DAY = 1440.0
DAYS_PER_YEAR = 365.25

# --- How often a child goes. Lognormal frailty with a short-run boost: of the families tried, only these reproduce
# concentration (Sidebottom et al. 2020: 4 % of children, 28 % of incidents) and timing (over half of first repeats
# within four weeks) together. Zero-truncated negative binomials and gamma frailty cannot.
RATE_MEDIAN = 0.010  # spontaneous episodes a year at the age of most, median child of the whole population
RATE_SIGMA = 2.45  # sd of the log rate
RATE_CAP = 45.0  # a year; keeps one made-up child from being a third of a small borough
BOOST_ALPHA = 0.20  # further episodes that one episode brings, on average
BOOST_TAU_DAYS = 14.0  # mean delay of such an episode after the return
BURN_IN_DAYS = 365.0  # simulated before the window, so that it opens with boosts under way
MIN_GAP_MINUTES = 60.0  # a child is back for at least this long before going again

#: Relative rate at each age from 8 to 17. NCA 2015/16: 93 % of children's incidents at 12-17, 58 % at 15-17;
#: DfE 2024: 55 % of looked-after children's incidents at 16 and 17.
AGE_WEIGHTS = (0.02, 0.03, 0.06, 0.16, 0.40, 0.68, 0.92, 1.12, 1.20, 1.10)
AGE_WEIGHTS_IN_CARE = (0.01, 0.02, 0.04, 0.11, 0.24, 0.44, 0.68, 0.95, 1.35, 1.50)
MIN_AGE, ADULT_AGE = 8, 18

# --- Who. More children are in care the higher their rate: DfE counts 6.3 incidents per looked-after child a year,
# Devon 2020/21 (the only full distribution found) 2.0 per child not looked after, with 27 % of the children in care.
CARE_INTERCEPT = -5.8
CARE_SLOPE = 2.6  # on the standardised log rate
RESIDENTIAL_INTERCEPT = -1.1  # of children in care, log odds of living in a children's home
RESIDENTIAL_SLOPE = 0.45
CAME_INTO_CARE_LATER = 0.15  # of children in care, came in during the window
MOVED_IN, MOVED_OUT = 0.06, 0.06  # of children, observed for part of the window only
CARE_STATUS_OTHERS = {"child_protection": 0.12, "child_in_need": 0.26, "early_help": 0.17, "none": 0.45}
ETHNICITIES = {
    "WBRI": 0.47,
    "WOTH": 0.09,
    "WIRI": 0.01,
    "WROM": 0.01,
    "MWBC": 0.06,
    "MWBA": 0.02,
    "MWAS": 0.02,
    "MOTH": 0.03,
    "BCRB": 0.08,
    "BAFR": 0.09,
    "BOTH": 0.02,
    "AIND": 0.02,
    "APKN": 0.03,
    "ABAN": 0.03,
    "OOTH": 0.02,
}
ETHNICITY_BLANK = 0.08
DISABILITY = 0.11
UASC_IN_CARE = 0.07  # of looked-after children

# --- Types of children. A type is a mix of triggers; a child keeps its type. Shares are (at home, in care).
TYPE_SHARES: Mapping[str, tuple[float, float]] = {
    "home_conflict": (0.30, 0.13),
    "family_seeking": (0.06, 0.36),
    "sexual_exploitation": (0.09, 0.13),
    "criminal_exploitation": (0.10, 0.13),
    "distress": (0.17, 0.12),
    "social_late": (0.28, 0.13),
}
#: How the log odds of each type move with the standardised log rate.
TYPE_SLOPES: Mapping[str, float] = {"sexual_exploitation": 0.15, "criminal_exploitation": 0.15, "social_late": -0.15}
FEMALE: Mapping[str, float] = {"sexual_exploitation": 0.85, "distress": 0.62, "criminal_exploitation": 0.15}
FEMALE_OTHERS = 0.46
SEX_OTHER, SEX_NOT_STATED = 0.01, 0.01

#: Chance that an episode has a trigger, whatever the type; codes not named have BASE_OTHERS.
BASE_TRIGGERS: Mapping[str, float] = {
    "people_friends": 0.12,
    "rules_boundaries": 0.09,
    "activity_substances": 0.06,
    "circumstance_late": 0.06,
    "wellbeing_distress": 0.06,
    "people_family": 0.05,
    "activity_freedom": 0.05,
    "people_peer_pressure": 0.05,
    "home_conflict": 0.05,
    "school_problems": 0.04,
    "care_conflict": 0.03,
}
BASE_OTHERS = 0.006
TYPE_TRIGGERS: Mapping[str, Mapping[str, float]] = {
    "home_conflict": {
        "home_conflict": 0.62,
        "rules_boundaries": 0.38,
        "home_change": 0.17,
        "people_friends": 0.22,
        "activity_freedom": 0.16,
        "home_forced_out": 0.08,
        "home_domestic_abuse": 0.06,
        "home_identity": 0.03,
        "wellbeing_distress": 0.12,
    },
    "family_seeking": {
        "people_family": 0.62,
        "care_unhappy": 0.32,
        "care_move": 0.26,
        "care_not_heard": 0.24,
        "care_conflict": 0.20,
        "activity_familiar_place": 0.22,
        "home_change": 0.08,
    },
    "sexual_exploitation": {
        "exploitation_sexual": 0.52,
        "people_unknown_adult": 0.42,
        "people_partner": 0.32,
        "activity_substances": 0.26,
        "activity_party": 0.12,
        "people_partner_abuse": 0.09,
        "exploitation_harbouring": 0.08,
    },
    "criminal_exploitation": {
        "exploitation_criminal": 0.60,
        "exploitation_threat": 0.26,
        "activity_offending": 0.30,
        "activity_substances": 0.26,
        "people_peer_pressure": 0.30,
        "legal_avoidance": 0.10,
        "exploitation_trafficking": 0.04,
    },
    "distress": {
        "wellbeing_distress": 0.62,
        "wellbeing_self_harm": 0.26,
        "school_bullying": 0.30,
        "school_problems": 0.22,
        "activity_freedom": 0.20,
        "home_abuse": 0.10,
        "wellbeing_boredom": 0.10,
    },
    "social_late": {
        "people_friends": 0.60,
        "circumstance_late": 0.44,
        "activity_party": 0.28,
        "circumstance_travel": 0.18,
        "wellbeing_boredom": 0.16,
        "circumstance_miscommunication": 0.14,
    },
}
CHILD_LOGIT_SD = 0.5  # how far one child's chances stray from its type's
HOME_CODES_IN_CARE = 0.35  # factor on home_* chances while looked after
CARE_CONFLICT_IN_CARE = 0.34  # a child of the home_conflict type who is in care quarrels there

# --- How long. NCA: 80 % of children found within 24 hours, 87 % closed within 48, 2 % away over a week.
# Shares of: under 24 hours, 24 to 48 hours, 2 to 7 days, over 7 days.
DURATIONS: Mapping[str, tuple[float, float, float, float]] = {
    "home_conflict": (0.81, 0.07, 0.10, 0.02),
    "family_seeking": (0.79, 0.08, 0.11, 0.02),
    "sexual_exploitation": (0.75, 0.08, 0.14, 0.03),
    "criminal_exploitation": (0.70, 0.09, 0.18, 0.03),
    "distress": (0.85, 0.06, 0.08, 0.01),
    "social_late": (0.90, 0.05, 0.05, 0.00),
}
SHORT_MEDIAN_HOURS, SHORT_SIGMA = 6.0, 0.9  # lognormal, cut to half an hour and 24 hours
LONG_MEAN_DAYS, LONG_CAP_DAYS = 18.0, 120.0  # beyond 7 days

# --- When. Evenings; from children's homes 22:00 to 01:00 (Open University and Hertfordshire); Friday and Saturday.
HOURS_HOME = (2, 1, 1, 1, 1, 1, 2, 4, 6, 4, 4, 4, 5, 5, 6, 9, 11, 12, 13, 13, 12, 11, 8, 5)
HOURS_RESIDENTIAL = (12, 6, 3, 2, 1, 1, 1, 2, 3, 3, 3, 3, 4, 4, 4, 6, 7, 8, 9, 10, 11, 13, 17, 17)
WEEKDAYS = (0.92, 0.90, 0.94, 1.00, 1.22, 1.18, 0.90)  # Monday first

# --- What is written about an incident.
AWAY, NO_APPARENT_RISK = 0.07, 0.04
REPORTED_BLANK, POLICE_REF_BLANK, RISK_BLANK, RETURNED_BY_BLANK, HOME_ID_BLANK, IN_AREA_BLANK = (
    0.22,
    0.15,
    0.18,
    0.20,
    0.10,
    0.04,
)

# --- Interviews. Due to offered 75 %, offered to completed 65 %, decline 30 %, 63 % within 72 hours (Missing People's
# request to councils for 2023/24; The Children's Society 2019); looked-after and placed out of the area: odds halved.
NOT_REQUIRED = {"missing": 0.02, "away": 0.55, "no_apparent_risk": 0.60}
OFFER_LOGIT = 1.50
OFFER_OUT_OF_AREA = -0.693147  # log of one half
OFFER_REPEAT = -0.04  # for each earlier episode of the child in the window, up to ten
OFFER_MEDIAN_HOURS, OFFER_SIGMA = 20.0, 0.7
NO_CONTACT = 0.45  # of the not offered, rather than another reason
DECLINE_LOGIT = -1.13
DECLINE_OLDER, DECLINE_OUT_OF_AREA, DECLINE_REPEAT = 0.35, 0.25, 0.03
NOT_PRESENT = 0.045  # accepted, then not there
HELD_MEDIAN_HOURS, HELD_SIGMA = 51.0, 0.95
PARTIAL = 0.09  # of those held
STATUS_FORGOTTEN = 0.02  # held, but the status cell was left blank
COVERED = 0.6  # went again before the offer, and the next interview covers both
HELD_DAY_ONLY, OFFERED_DAY_ONLY, OFFERED_BLANK = 0.35, 0.60, 0.12

# --- Trigger fields. Blank in 15 to 25 % of interviews held (Boulton et al. 2022: often blank), not at random.
BLANK_LOGIT = -1.90
BLANK_PARTIAL, BLANK_SHORT, BLANK_OLDER, BLANK_OUT_OF_AREA = 1.0, 0.4, 0.5, 0.6
DECLINED_TICKED = 0.10  # declined, yet the worker ticked what the carer said
TICK_RECALL = 0.93  # a true trigger is ticked
TICK_FALSE = 0.002  # a code is ticked that did not apply
ANSWER_UNKNOWN, ANSWER_DECLINED, ANSWER_NONE, ANSWER_OTHER = 0.03, 0.02, 0.02, 0.03
PRIMARY_MARKED = 0.60
NARRATIVE_WRITTEN = 0.88
NARRATIVE_DENIED, NARRATIVE_HEDGED = 0.35, 0.12
CONSIDERS_MISSING, CONSIDERS_BLANK = 0.53, 0.25  # nearly half did not think that they were missing
HARM_BLANK = 0.20

# --- What the report should find.
GROWTH_PER_YEAR = 0.08  # more children at risk each year, their rates unchanged
CHANGE_MONTHS_BEFORE_END = 5
CHANGE_MIN_MONTHS = 9  # shorter boroughs have no planted change
CHANGE_SHARE_OF_CHILDREN = 0.08  # children newly drawn into criminal exploitation
CHANGE_RATE_MEDIAN, CHANGE_RATE_SIGMA = 4.0, 0.5  # their episodes a year
CHANGE_TYPE = "criminal_exploitation"
CHANGE_CODE = "exploitation_criminal"
CHANGE_IN_CARE = 0.30
CHANGE_AGES = (13.0, 17.2)
