"""Goals in the patient's own words, and the form that asks how near they are."""

from __future__ import annotations

from tests.api.steps import an_episode
from tests.factories import Clinic, administration, at, created, listed, ok, put


def test_a_goal_is_kept_in_the_patients_words_and_rated_at_its_place(clinic: Clinic) -> None:
    episode = an_episode(clinic, 3)
    path = f"/v1/episodes/{episode['id']}/goals"
    for place, words in ((1, "å sove hele natten"), (2, "tilbake på jobb")):
        goal = created(clinic.therapist.post(path, {"place": place, "words": words, "set_at": at(0)}))
        assert (goal["place"], goal["words"], goal["ended_at"], goal["reached"]) == (place, words, None, None)
    assert [each["words"] for each in listed(clinic.therapist.get(path))] == ["å sove hele natten", "tilbake på jobb"]
    # The third place holds no goal, and is not shown: 7 and 4 make 5.5 on average.
    body = administration(
        episode, {"1": 7, "2": 4}, instrument="own-goals", form="self", item_states={"3": "not_shown"}
    )
    result = created(put(clinic.therapist, body))["result"]
    assert (result["scores"]["mean"]["value"], result["validated"]) == (5.5, False)


def test_a_place_holds_one_goal_until_it_has_ended(clinic: Clinic) -> None:
    path = f"/v1/episodes/{an_episode(clinic, 1)['id']}/goals"
    first = created(clinic.therapist.post(path, {"place": 1, "words": "sleep", "set_at": at(0)}))
    second = {"place": 1, "words": "work", "set_at": at(4)}
    refused = clinic.therapist.post(path, second)
    assert (refused.status_code, refused.json()["pointer"]) == (409, "/place")
    ended = ok(clinic.therapist.patch(f"/v1/goals/{first['id']}", {"ended_at": at(4), "reached": True}, 1))
    assert (ended["reached"], ended["version"]) == (True, 2)
    created(clinic.therapist.post(path, second))
    # Reopened, it would be the second at its place.
    again = clinic.therapist.patch(f"/v1/goals/{first['id']}", {"ended_at": None, "reached": None}, 2)
    assert again.status_code == 409


def test_what_can_t_be_is_refused(clinic: Clinic) -> None:
    path = f"/v1/episodes/{an_episode(clinic, 1)['id']}/goals"
    right = {"place": 1, "words": "sleep", "set_at": at(2)}
    for wrong in ({"place": 4}, {"place": 0}, {"place": "1"}, {"words": " "}, {"set_at": None}):
        refused = clinic.therapist.post(path, right | wrong)
        assert (refused.status_code, refused.json()["pointer"]) == (422, f"/{next(iter(wrong))}")
    goal = created(clinic.therapist.post(path, right))
    for change in ({"ended_at": at(1)}, {"reached": True}):
        assert clinic.therapist.patch(f"/v1/goals/{goal['id']}", change, 1).status_code == 422
    assert clinic.colleague.get(path).status_code == 404
    assert clinic.tablet.get(path).status_code == 403
