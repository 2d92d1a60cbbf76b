"""How a command ends when something is wrong: the code, what happened, what to do; no traceback unasked."""

from __future__ import annotations

import functools
import os
import sys
import traceback
from collections.abc import Callable
from typing import TypeVar

import typer

from isthmus.errors import IsthmusError

R = TypeVar("R")

#: What a person can do about each error. Every code has a line; a test holds that.
ADVICE = {
    "ERR_INTERNAL": "Run the command again with `isthmus --debug ...` and report what it prints.",
    "ERR_INVALID_ARGUMENT": "See the command's --help for what it accepts.",
    "ERR_CIPHERTEXT_RANGE": "The peer sent a broken ciphertext. Check that both sides run the same version.",
    "ERR_CIPHERTEXT_NOT_UNIT": "The peer sent a broken ciphertext. Stop, and ask the peer's operator why.",
    "ERR_KEY_MISMATCH": "The data belongs to another key. Use the key whose fingerprint the message names.",
    "ERR_KEY_REJECTED": "Make a new key with `isthmus keygen`; keys need at least 2048 bits.",
    "ERR_KEY_CORRUPT": "Check the passphrase, restore the key file from a backup, or run `isthmus keygen`.",
    "ERR_DECODE": "The bytes are malformed. Check the file, and that both sides run the same version.",
    "ERR_PLAINTEXT_OVERFLOW": "Values are too large for the fixed-point range. Scale the columns down.",
    "ERR_FAULT_DETECTED": "A computation failed its own check. Run it again; test this machine's memory.",
    "ERR_RNG": "The operating system gave no random numbers. Do not go on until that is repaired.",
    "ERR_POINT_INVALID": "The peer sent an invalid group element. Stop, and ask the peer's operator why.",
    "ERR_POINT_ENCODING": "The peer sent a malformed element. Check that both sides run the same version.",
    "ERR_H2C": "Report this: the group's parameters are out of bounds.",
    "ERR_ID_ENCODING": "Save the file as UTF-8 and repair the row named; shorten too long identifiers.",
    "ERR_PEER_DUPLICATE": "The peer's input breaks the protocol. Ask the peer to remove duplicate customers.",
    "ERR_PROTOCOL_COUNT": "The peer broke the protocol. Check that both sides run the same version.",
    "ERR_PROTOCOL_STATE": "The peer runs another step. Start the same command on both sides.",
    "ERR_REPLAY": "A message arrived twice. Start the job again; if it recurs, check the network.",
    "ERR_SESSION": "A message of another session arrived. Start the job again on both sides.",
    "ERR_SEQUENCE": "A message was lost or reordered. Start the job again; if it recurs, check the network.",
    "ERR_TOO_LARGE": "Over the limit that party.toml sets. Raise it only if you expect that size.",
    "ERR_PEER_TRUNCATED": "The connection broke. Start the job again on both sides.",
    "ERR_PEER_GONE": "The other party ended first; its terminal says why. Start again on both sides.",
    "ERR_PEER_FAILED": "The reason is on the other party's side. Ask its operator what its terminal said.",
    "ERR_DEADLINE": "Check that the peer is running this job, its address in the party file, and the "
    "firewall. To wait longer for it, raise connect_seconds under [limits] in the party file.",
    "ERR_CANCELLED": "Nothing was released. Start the job again on both sides when you are ready.",
    "ERR_VERSION": "Install the same version of isthmus on both sides; `isthmus version` prints it.",
    "ERR_NO_COMMON_SUITE": "Agree on suites and key sizes with the peer; set them in both party.toml files.",
    "ERR_PARAMETERS": "Agree with the peer on the options that the message names, then start again.",
    "ERR_TRANSCRIPT": "Something altered the conversation. Discard the result and examine the network path.",
    "ERR_TLS_AUTH": "Compare fingerprints with the peer by telephone, then run `isthmus party trust`.",
    "ERR_NOT_AUTHORISED": "The certificate belongs to another party. Check the peer's name in party.toml.",
    "ERR_PEER_VALUE": "The peer sent a value no honest party sends. Stop, and ask the peer's operator why.",
    "ERR_PROOF_INVALID": "The peer answered with another key than it committed to. Stop, and ask it why.",
    "ERR_EMPTY_INPUT": "Give a file with at least one row.",
    "ERR_DUPLICATE_ID": "Remove repeated customers, or keep each one's first row: `duplicates` set to first.",
    "ERR_SCHEMA": "Make the file's columns match what the message lists.",
    "ERR_CSV": "Repair the row named; quote values that hold a comma, and double a quote within a value.",
    "ERR_FEATURE_VALUE": "Fill in or remove the row named; features must be finite numbers.",
    "ERR_LABEL": "Labels must be 0 or 1, complete, and hold both classes.",
    "ERR_ALIGNMENT": "Align both files first with `isthmus psi`, or give an `id` column in both job files.",
    "ERR_RESULT_TOO_SMALL": "The parties share fewer customers than agreed. Nobody is shown how many.",
    "ERR_CHECKPOINT": "Restore the model file, or delete the state folder and start the run again.",
    "ERR_RESUME_MISMATCH": "Give the input and options of the interrupted run, or delete its state folder.",
    "ERR_RESOURCE": "Look at the cluster, or compute here; a run with a state folder can be resumed.",
    "ERR_BUSY": "Wait for the other process, or give this run a state folder of its own.",
    "ERR_STORAGE": "Check that the folder exists, is writable, and that the disk is not full.",
    "ERR_PATH": "Give the path of an ordinary file.",
    "ERR_CONFIG": "Correct the file or key named; docs/jobs.md describes every key.",
}


class Verbosity:
    """Whether a failure prints its traceback: ``isthmus --debug``."""

    debug = False


def explain(error: IsthmusError) -> str:
    """Return the lines a person reads: code and message, then what to do."""
    return f"{error}\n{ADVICE.get(error.code, ADVICE['ERR_INTERNAL'])}"


def guarded(command: Callable[..., R]) -> Callable[..., R]:
    """Make a command exit 1 on an error and 130 on Ctrl-C, and say so in a line or two."""

    @functools.wraps(command)
    def run(*args: object, **kwargs: object) -> R:
        try:
            return command(*args, **kwargs)
        except IsthmusError as error:
            _show(explain(error))
            raise typer.Exit(1) from None
        except (KeyboardInterrupt, typer.Abort) as error:
            # A question that is answered with Ctrl-C raises Abort; so do an end of input and a "no".
            if isinstance(error, typer.Abort) and not isinstance(error.__context__, KeyboardInterrupt):
                raise
            _say("stopped; nothing was released")
            raise typer.Exit(130) from None
        except BrokenPipeError:  # the reader of a pipe went away: not worth a word
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(1) from None
        except (typer.Exit, typer.BadParameter):
            raise
        except Exception as error:
            _show(f"ERR_INTERNAL: {type(error).__name__}\n{ADVICE['ERR_INTERNAL']}")
            raise typer.Exit(1) from None

    return run


def _show(text: str) -> None:
    if Verbosity.debug:
        traceback.print_exc()
    _say(text)


def _say(text: str) -> None:
    from rich.console import Console

    first, *rest = text.splitlines()
    console = Console(stderr=True, soft_wrap=True, highlight=False, markup=False)
    console.print(first, style="bold red")
    for line in rest:
        console.print(line)
