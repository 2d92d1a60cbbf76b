"""Which tests show each case of malformed input: the typed, coded error, and that nothing was released.

The numbers are those of docs/faults.md, which says what each case is.
"""

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent.parent
REQUIRED = {*range(1, 25), *range(26, 30), 31, *range(36, 45), *range(46, 50), 51, 52, 53}
#: Case to tests, as ``file::function``, or ``file::function[part of a parameter's name]``.
INDEX = {
    1: ("fault/test_paillier_faults.py::test_cases_1_and_2_ciphertext_out_of_range",),
    2: ("fault/test_paillier_faults.py::test_cases_1_and_2_ciphertext_out_of_range",),
    3: ("fault/test_paillier_faults.py::test_case_3_ciphertext_not_a_unit",),
    4: ("fault/test_paillier_faults.py::test_case_4_another_key",),
    5: ("fault/test_paillier_faults.py::test_case_5_ciphertext_length",),
    6: (
        "fault/test_paillier_faults.py::test_case_6_public_key_breaks_a_rule",
        "fault/test_paillier_faults.py::test_case_6_public_key_does_not_parse",
        "protocol/test_gbdt.py::test_a_key_of_another_size_than_agreed_is_refused",
    ),
    7: (
        "fault/test_paillier_faults.py::test_case_7_private_key_bytes_are_corrupt",
        "fault/test_paillier_faults.py::test_case_7_private_key_file_is_corrupt",
    ),
    8: (
        "fault/test_paillier_faults.py::test_case_8_plaintext_overflow",
        "unit/test_aggregate_packing.py::test_require_addends_refuses_one_more",
        "unit/test_aggregate_buckets.py::test_layout_bounds_the_rows",
        "unit/test_aggregate_products.py::test_scale_overflow_is_refused",
    ),
    9: (
        "fault/test_paillier_faults.py::test_case_9_fault_in_one_half",
        "fault/test_paillier_faults.py::test_case_9_imported_keys_are_checked_too",
    ),
    10: (
        "fault/test_paillier_faults.py::test_case_10_no_entropy_nothing_released",
        "fault/test_paillier_faults.py::test_case_10_randomness_differs_after_a_fork",
        "unit/test_group.py::test_failing_randomness_gives_no_scalar",
    ),
    11: (
        "unit/test_group.py::test_rfc9496_invalid_encodings",
        "fault/test_psi_messages.py::test_a_bad_element_is_refused_with_its_row",
        "fault/test_psi_messages.py::test_a_bad_element_of_any_suite_is_refused_with_its_row",
        "fault/test_psi_star.py::test_a_bad_element_is_refused_with_its_row",
        "fault/test_psi_voprf.py::test_a_bad_element_is_refused_with_its_row",
    ),
    12: (
        "unit/test_group.py::test_small_order_and_non_canonical_ed25519_encodings_are_refused",
        "fault/test_psi_messages.py::test_a_bad_element_is_refused_with_its_row",
        "fault/test_psi_messages.py::test_a_bad_element_of_any_suite_is_refused_with_its_row",
        "fault/test_psi_messages.py::test_a_component_of_small_order_changes_nothing",
        "fault/test_psi_messages.py::test_an_item_in_two_encodings_is_refused",
        "fault/test_psi_star.py::test_a_bad_element_is_refused_with_its_row",
        "fault/test_psi_voprf.py::test_a_bad_element_is_refused_with_its_row",
    ),
    13: (
        "unit/test_group.py::test_rfc9496_invalid_encodings",
        "unit/test_group.py::test_the_first_bad_row_is_named_for_any_thread_count",
        "fault/test_psi_messages.py::test_a_bad_element_is_refused_with_its_row",
        "fault/test_psi_messages.py::test_a_bad_element_of_any_suite_is_refused_with_its_row",
        "fault/test_psi_star.py::test_a_bad_element_is_refused_with_its_row",
        "fault/test_psi_voprf.py::test_a_bad_element_is_refused_with_its_row",
    ),
    14: ("unit/test_group.py::test_hash_to_group_refuses_an_empty_dst",),
    15: (
        "fault/test_psi_messages.py::test_a_masked_item_sent_twice_is_refused",
        "fault/test_psi_messages.py::test_a_tag_returned_twice_is_refused",
        "fault/test_psi_star.py::test_an_item_brought_twice_is_refused_by_the_filter",
        "fault/test_psi_voprf.py::test_bad_tags_are_refused[repeated]",
    ),
    16: (
        "fault/test_psi_messages.py::test_tags_of_another_count_are_refused",
        "fault/test_psi_messages.py::test_a_gap_in_the_batches_is_refused",
        "fault/test_psi_messages.py::test_a_count_that_is_not_kept_is_refused",
        "fault/test_psi_star.py::test_a_chunk_of_another_length_is_refused",
        "fault/test_psi_star.py::test_tags_of_another_number_are_refused",
        "fault/test_psi_voprf.py::test_a_gap_in_the_batches_is_refused",
        "fault/test_psi_voprf.py::test_a_count_that_is_not_kept_is_refused",
    ),
    17: (
        "fault/test_psi_messages.py::test_a_batch_of_another_length_is_refused",
        "protocol/test_gbdt.py::test_gradients_that_no_honest_peer_sends_are_refused",
        "fault/test_psi_voprf.py::test_a_batch_of_another_length_is_refused",
    ),
    18: (
        "fault/test_transport_frames.py::test_bad_frames_end_the_job[18 second handshake]",
        "fault/test_psi_messages.py::test_a_skipped_message_is_out_of_state",
        "protocol/test_conformance.py::test_a_message_out_of_state_ends_both_parties",
        "fault/test_psi_voprf.py::test_a_skipped_message_is_out_of_state",
    ),
    19: (
        "fault/test_transport_frames.py::test_bad_frames_end_the_job[19 replayed frame]",
        "fault/test_psi_star.py::test_a_box_in_another_s_place_is_refused",
    ),
    20: (
        "fault/test_transport_frames.py::test_bad_frames_end_the_job[20 other session]",
        "fault/test_transport_frames.py::test_bad_frames_end_the_job[20 other direction]",
    ),
    21: (
        "fault/test_transport_frames.py::test_bad_frames_end_the_job[21 reordered]",
        "fault/test_transport_frames.py::test_bad_frames_end_the_job[21 dropped]",
    ),
    22: (
        "fault/test_transport_frames.py::test_bad_frames_end_the_job[22 declared 2^60]",
        "fault/test_transport_frames.py::test_case_22_transport_refuses_what_no_frame_can_be",
        "fault/test_psi_messages.py::test_a_huge_count_is_refused_before_anything_is_allocated",
        "fault/test_psi_voprf.py::test_a_huge_count_is_refused_before_anything_is_allocated",
    ),
    23: (
        "fault/test_transport_frames.py::test_case_23_stream_ends_inside_a_message",
        "protocol/test_psi_reconnect.py::test_case_23_a_stream_that_ends_inside_a_message_is_gone_on_with",
    ),
    24: (
        "fault/test_transport_frames.py::test_case_24_protobuf_bombs_are_refused",
        "fault/test_transport_frames.py::test_case_24_bombs_need_little_memory",
        "fault/test_transport_frames.py::test_case_24_bomb_over_the_wire",
    ),
    26: (
        "protocol/test_conformance.py::test_a_cut_after_any_message_ends_both_parties_without_a_result",
        "protocol/test_conformance_toy.py::test_case_26_disconnect_after_each_message",
        "protocol/test_psi_reconnect.py::test_a_cut_after_any_message_of_the_streams_is_survived_in_the_middle",
        "cli/test_psi_dropped_link.py::test_a_dropped_link_is_gone_on_with_in_the_middle",
        "protocol/test_psi_star_sessions.py::test_a_spoke_that_leaves_ends_the_run_for_all",
    ),
    27: (
        "fault/test_transport_time.py::test_case_27_silent_peer",
        "fault/test_transport_time.py::test_case_27_nobody_answers_or_speaks_tls",
        "fault/test_transport_time.py::test_case_27_half_open_and_one_byte_a_second",
        "fault/test_transport_time.py::test_case_27_a_middleman_that_hangs_up_until_the_peer_is_there",
        "fault/test_transport_time.py::test_a_peer_that_computes_is_not_silent",
    ),
    28: (
        "fault/test_transport_handshake.py::test_case_28_no_common_version",
        "fault/test_transport_handshake.py::test_case_28_a_newer_hello_with_unknown_fields_is_told_the_versions",
    ),
    29: ("fault/test_transport_handshake.py::test_case_29_no_common_suite",),
    31: (
        "fault/test_transport_tls.py::test_case_31_untrusted_or_expired",
        "fault/test_transport_tls.py::test_case_31_revoked",
    ),
    36: (
        "fault/test_data_files.py::test_a_csv_file_without_rows_is_an_empty_stream_and_no_whole_table",
        "cli/test_psi.py::test_a_file_without_rows_is_refused_before_the_peer_is_met",
        "fault/test_data_files.py::test_a_table_without_rows_is_an_empty_stream_and_no_whole_table",
        "fault/test_psi_data.py::test_empty_results_are_valid_where_the_minimum_allows_them",
    ),
    37: (
        "fault/test_data_files.py::test_text_that_is_not_utf8_is_refused_with_its_row",
        "fault/test_data_files.py::test_a_byte_order_mark_is_dropped",
        "fault/test_psi_data.py::test_text_that_would_silently_fail_to_match_is_refused_with_its_row",
        "unit/test_items.py::test_unusable_text_is_refused_with_its_row",
        "fault/test_psi_data.py::test_what_a_declared_form_makes_equal_matches",
        "fault/test_psi_data.py::test_what_no_declared_form_repairs_is_refused_with_its_row",
    ),
    38: (
        "fault/test_psi_data.py::test_unusable_identifiers_end_both_parties_without_a_result[duplicate]",
        "fault/test_psi_data.py::test_duplicates_keep_their_first_row_when_asked_to",
    ),
    39: (
        "fault/test_data_files.py::test_missing_columns_are_listed",
        "fault/test_data_files.py::test_columns_that_differ_from_the_model_are_listed",
        "fault/test_data_files.py::test_a_feature_of_another_type_is_a_schema_error",
        "cli/test_jobs.py::test_a_wrong_option_or_column_is_named_before_the_peer_is_met",
    ),
    40: (
        "fault/test_data_files.py::test_a_malformed_row_is_a_csv_error_with_its_row",
        "fault/test_data_files.py::test_any_line_ends_are_accepted",
        "fault/test_data_files.py::test_a_row_far_into_a_large_file_is_found",
    ),
    41: (
        "fault/test_data_files.py::test_a_bad_feature_value_is_refused_with_its_row",
        "fault/test_data_files.py::test_an_empty_number_in_a_csv_file_is_refused_with_its_row",
        "protocol/test_gbdt.py::test_a_constant_column_gives_no_candidates",
    ),
    42: (
        "fault/test_data_files.py::test_bad_labels_are_refused",
        "unit/test_evaluate.py::test_bad_labels_are_refused",
    ),
    43: (
        "fault/test_alignment.py::test_row_counts_that_differ_are_refused",
        "fault/test_alignment.py::test_both_parties_end_without_a_result",
    ),
    44: (
        "fault/test_psi_data.py::test_a_small_result_is_refused_to_both_with_the_same_words",
        "protocol/test_psi_ecdh.py::test_a_result_below_the_minimum_is_withheld_from_both",
        "fault/test_psi_data.py::test_empty_results_are_valid_where_the_minimum_allows_them",
        "protocol/test_psi_star_sessions.py::test_a_result_below_the_minimum_is_refused_to_all_with_the_same_words",
    ),
    46: (
        "fault/test_psi_state.py::test_case_46_a_damaged_state_is_refused",
        "fault/test_psi_state.py::test_a_log_of_another_run_is_refused",
        "fault/test_psi_state_files.py::test_damage_before_the_last_record_is_refused",
    ),
    47: (
        "fault/test_psi_kill.py::test_one_party_is_killed_at_every_call",
        "fault/test_psi_kill.py::test_a_write_is_torn",
        "fault/test_psi_kill.py::test_both_are_killed",
        "fault/test_psi_kill.py::test_a_lone_receiver_and_a_size_survive_too",
        "fault/test_psi_kill.py::test_fifty_random_times",
        "fault/test_audit.py::test_a_record_torn_anywhere_is_cut_off_and_that_is_recorded",
        "cli/test_psi_killed.py::test_either_party_is_killed_after_every_call",
        "cli/test_psi_killed.py::test_both_parties_are_killed_before_every_second_call",
    ),
    48: ("fault/test_psi_state.py::test_case_48_another_input_or_other_arguments_do_not_resume",),
    49: (
        "fault/test_psi_state.py::test_case_49_a_disk_that_fails_ends_the_run_and_keeps_it_resumable",
        "fault/test_psi_state.py::test_case_49_a_full_disk_under_the_records_is_a_storage_error",
        "fault/test_psi_state.py::test_case_49_a_disclosure_that_cannot_be_recorded_releases_nothing",
        "fault/test_audit.py::test_case_49_a_full_disk_leaves_the_records_that_were_there",
        "protocol/test_session.py::test_case_49_without_audit_nothing_is_released",
        "fault/test_data_files.py::test_a_full_disk_is_a_storage_error_and_leaves_no_file",
        "fault/test_data_files.py::test_two_writers_of_one_file_and_what_a_killed_one_leaves",
        "fault/test_data_files.py::test_a_refused_write_leaves_the_old_file_and_no_other",
    ),
    51: (
        "fault/test_data_files.py::test_what_is_not_a_regular_file_is_a_path_error",
        "fault/test_data_files.py::test_what_the_kernel_makes_up_is_no_file",
        "fault/test_data_files.py::test_an_output_that_is_no_regular_file_is_a_path_error",
        "fault/test_audit.py::test_case_51_an_audit_file_that_is_no_regular_file_is_a_path_error",
        "protocol/test_session.py::test_case_51_without_an_audit_file_no_session_begins",
    ),
    52: (
        "fault/test_psi_state.py::test_case_52_two_runs_in_one_folder",
        "fault/test_psi_state_files.py::test_case_52_the_lock_of_a_dead_process_is_recovered",
        "fault/test_psi_state.py::test_case_52_a_cancelled_run_can_be_resumed",
        "cli/test_psi_signals.py::test_case_52_an_interrupted_command_ends_both_within_five_seconds_and_can_be_resumed",
        "cli/test_psi_signals.py::test_case_52_two_commands_with_one_output",
    ),
    53: (
        "protocol/test_psi_voprf.py::test_an_answer_under_another_key_is_found_out",
        "protocol/test_psi_voprf.py::test_a_public_key_that_is_not_the_senders_is_found_out",
        "protocol/test_psi_voprf.py::test_a_false_proof_ends_the_session_of_both_and_discloses_nothing",
        "fault/test_psi_voprf.py::test_a_bad_proof_is_refused",
    ),
}


def test_every_required_case_is_indexed():
    assert set(INDEX) == REQUIRED


@pytest.mark.parametrize("case", sorted(INDEX))
def test_the_tests_of_a_case_exist(case):
    assert INDEX[case]
    for test in INDEX[case]:
        found = re.fullmatch(r"(\S+\.py)::(\w+)(?:\[(.+)\])?", test)
        assert found, f"case {case}: {test} is no test id"
        text = (TESTS / found[1]).read_text(encoding="utf-8")
        assert re.search(rf"^def {found[2]}\(", text, re.MULTILINE), f"case {case}: {test} does not exist"
        assert not found[3] or f'"{found[3]}"' in text, f"case {case}: {test} has no such parameter"
