"""Every sentence of the Omni contract that the pairing stands on, and the test that holds it.

The sentences are those of sections 1 to 7 that concern a client, the engine's call or the simulator; what the
endpoint itself must answer is held by its own tests. A sentence whose test is renamed or removed fails here.
"""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

CONTRACT = {
    # 1, 2: the call and its answer, as the simulated engine makes and reads them
    "1: POST to the exact URL given as kb_endpoint": "engine::one_post_with_exactly_two_fields_and_the_bearer_token",
    "1: session_label and query are the only two fields": "engine::one_post_with_exactly_two_fields_and_the_bearer_token",
    "1: session_label may be absent or null": "engine::without_a_label_the_field_is_null",
    "1: agent_id is an alias; session_label wins": "doctor::each_intolerance_is_found_by_its_own_check",
    "1: labels are at most 256 characters without control characters": "connect::what_omni_would_refuse_is_refused_here",
    "1: Authorization: Bearer with the token from configure": (
        "session::a_grounded_turn_from_input_text_in_the_order_of_the_contract"
    ),
    "1: hard 300 ms timeout": "engine::an_answer_after_300_ms_is_late_and_no_second_call_is_made",
    "1: network time and TLS set-up are inside the 300 ms": "engine::a_connection_that_is_never_accepted_is_late_too",
    "1: fail-open: the turn goes on ungrounded": "session::whatever_goes_wrong_the_turn_goes_on_ungrounded",
    "1: no retries": "engine::an_answer_after_300_ms_is_late_and_no_second_call_is_made",
    "1: no redirects": "engine::a_redirect_is_refused_and_not_followed",
    "2: which key the engine reads is unknown, so both are filled": "session::a_server_that_fills_only_one_key_is_caught",
    "2: kb_query tells the client the top ids": (
        "session::a_grounded_turn_from_input_text_in_the_order_of_the_contract"
    ),
    "2: a miss is 200 and the agent says that it does not know": (
        "session::an_honest_agent_says_that_it_does_not_know"
    ),
    "2: non-200 or invalid JSON is an ungrounded turn": "engine::any_status_but_200_is_an_ungrounded_turn",
    # 3: the configure frame
    "3: one binary frame: byte 0x03, then UTF-8 JSON": (
        "configure::the_bytes_are_the_control_tag_and_then_the_same_json"
    ),
    "3: client frames are keyed on type, server frames on event": "frames::clients_key_on_type_and_servers_on_event",
    "3: equal to the SDK's omni_configure_frame": (
        "configure::the_frame_equals_what_the_sdk_builds_for_the_same_arguments"
    ),
    "3: an option adds the event key": "configure::the_older_event_key_is_added_only_on_request_and_beside_type",
    "3: a wrong voice_id is answered with detail voice_not_found": (
        "session::a_wrong_voice_is_answered_with_a_bare_detail"
    ),
    "3: persona 32,000, greeting 1,000, consent_line 500 characters": (
        "configure::a_text_may_reach_its_limit_and_not_one_character_more"
    ),
    '3: greeting "" suppresses the first turn': (
        "session::a_greeting_is_spoken_first_after_the_consent_line_and_an_empty_one_is_not"
    ),
    "3: kb_endpoint is a URL, kb_token comes back as Bearer": (
        "configure::a_token_that_no_header_can_carry_is_refused_and_not_repeated"
    ),
    "3: tools are a list of name, description, schema": (
        "configure::a_tool_that_is_not_described_as_omni_wants_is_refused_by_its_place"
    ),
    "3: language is en, fr, es, de or hi": "configure::the_five_languages_are_taken",
    "3: caller_key comes in a second configure": "session::a_second_configure_frame_adds_to_the_first",
    "3: unknown keys are passed through": (
        "configure::unknown_keys_are_passed_through_since_the_engine_takes_no_notice_of_them"
    ),
    "3: the ack is configured with voice_id, greeting, kb, tools, endpointing_ms, audio_out": (
        "session::configured_says_what_was_taken"
    ),
    "3: kb true is the confirmation that the endpoint was accepted": (
        "session::kb_is_true_only_for_an_endpoint_the_engine_would_call"
    ),
    # 4: connecting
    "4: /v1/omni with format, rate and session_label": "connect::the_url_says_what_the_sdks_url_says",
    "4: agent_id is the deprecated alias; session_label wins": "simulator::the_label_of_the_url_wins_over_its_aliases",
    "4: the old path /v2/omni/chat, label key agent": (
        "simulator::a_client_with_the_key_in_the_url_and_an_event_keyed_configure_completes_a_turn"
    ),
    "4: key by subprotocol, query, bearer or x-api-key": (
        "simulator::every_path_and_every_way_to_send_the_key_opens_a_session"
    ),
    "4: both subprotocols are offered": "connect::the_subprotocols_are_the_sdks_pair",
    "4: only pyai.v1 is echoed": ("simulator::only_an_offered_subprotocol_is_echoed_and_strictly_only_the_marker"),
    "4: POST /v1/omni/sessions gives token, expires_at in ms, url without label": (
        "simulator::a_browser_token_opens_a_session_from_its_origin_only"
    ),
    "4: at least one origin, no *, 1 to 600 s, 60 by default": (
        "simulator::a_token_request_outside_the_limits_is_400_in_the_envelope"
    ),
    "4: a label equal to an agent's id would bind it: mint labels that are none": (
        "connect::every_call_gets_a_label_of_its_own_that_fits_the_rules_and_its_pattern"
    ),
    # 5: frames and events
    "5: every frame is binary and tagged by its first byte": "frames::every_frame_begins_with_its_tag",
    "5: text frames and untagged client frames are dropped silently": (
        "session::text_frames_and_untagged_frames_are_dropped_without_a_word"
    ),
    "5: 0x02 is plain UTF-8, older JSON": "frames::a_live_transcript_is_bare_utf_8_and_the_older_form_is_json",
    "5: a delta has at most 16,384 bytes and 4,000 characters": (
        "frames::a_transcript_over_a_limit_is_refused_both_ways"
    ),
    "5: assistant text is a transcript event with role, text, final": (
        "session::a_grounded_turn_from_input_text_in_the_order_of_the_contract"
    ),
    "5: hello has call_id, protocol 2, audio_in, audio_out, voice_id": (
        "session::a_session_opens_with_hello_and_session_started"
    ),
    "5: turn_begin has turn, since_caller_end_ms, call_id": (
        "session::a_grounded_turn_from_input_text_in_the_order_of_the_contract"
    ),
    "5: a bare detail is a server frame": "frames::a_bare_detail_is_a_server_frame_too",
    "5: session_ending ends the session with 1000": "session::without_a_configure_frame_there_are_no_turns",
    "5: no commit frame: keep streaming silence": (
        "session::speech_that_no_silence_follows_never_ends_and_the_record_says_why"
    ),
    "5: agent audio is 24,000 Hz whatever the input rate": (
        "session::agent_audio_comes_in_chunks_of_at_most_150_ms_at_24_khz"
    ),
    "5: 4401 bad key": "simulator::a_missing_or_wrong_key_is_close_4401",
    "5: 4403 missing scope, 4429 concurrency": "simulator::a_refusal_can_be_had_as_a_close_code",
    "5: 1011 engine error": "session::an_engine_failure_is_an_error_event_and_close_1011",
    "5: 1008 policy": "simulator::what_the_connect_url_must_not_say_is_close_1008",
    "5: 401, 403, 429 can come at the upgrade": (
        "simulator::a_refusal_can_be_had_as_an_http_status_instead_of_the_upgrade"
    ),
    # 7: the simulator
    "7.1: echo pyai.v1 if offered, else the key protocol, never another": "simulator::the_echo_is_on_the_wire",
    "7.1: strict mode echoes nothing but pyai.v1": (
        "simulator::only_an_offered_subprotocol_is_echoed_and_strictly_only_the_marker"
    ),
    "7.2: hello, session_started, then configured": "session::a_session_opens_with_hello_and_session_started",
    "7.3: 500 to 800 ms of silence end a turn": "vad::the_silence_that_ends_a_turn_is_settable",
    "7.3: the text comes from a script": "session::caller_audio_becomes_a_turn_with_the_words_of_the_script",
    "7.3: the text comes from an admin call": (
        "simulator::an_admin_call_says_something_for_the_caller_and_lets_a_fault_strike"
    ),
    "7.4: one POST per caller turn, before the reply": "session::three_turns_at_once_are_three_calls_in_order",
    "7.4: barge-in stops the reply with flush": "session::barge_in_stops_the_agent_with_flush",
    "7.5: slow or failing endpoint on request": "session::a_slow_or_failing_endpoint_can_be_had_for_one_turn",
    "7.5: drop on request": "session::a_dropped_connection_has_no_closing_handshake",
    "7: pyai-sdk with websockets works unchanged": ("clients::the_sdk_with_websockets_completes_three_grounded_turns"),
    "7: a client with ?api_key= and an event-keyed configure works unchanged": (
        "clients::a_client_with_the_key_in_the_url_and_an_event_keyed_frame_completes_the_call"
    ),
    "7: Node's ws with only its key protocol works unchanged": (
        "clients::a_node_client_with_ws_that_offers_only_its_key_completes_the_call"
    ),
}


@cache
def functions_of(module: str) -> frozenset[str]:
    tree = ast.parse((Path(__file__).parent / f"test_{module}.py").read_text(encoding="utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


@pytest.mark.parametrize("sentence", CONTRACT)
def test_a_sentence_of_the_contract_is_held_by_a_test(sentence: str) -> None:
    module, _, name = CONTRACT[sentence].partition("::")
    assert f"test_{name}" in functions_of(module), (
        f"{sentence!r} names test_{module}.py::test_{name}, which is not there"
    )
