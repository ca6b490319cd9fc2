"""Become another program that ends when its parent ends: `python child.py PARENT SIGNAL USER KEEP PROGRAM ARGUMENT...`.

A small program of its own, and not a `preexec_fn`, because the order matters and threads of the parent must not: the
kernel forgets PR_SET_PDEATHSIG at a change of user, so the user is changed first; then the signal is asked for; then
it is checked that the parent is still there, because one that died before the request sends nothing.
"""

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1
PR_SET_SECUREBITS = 28
SECBIT_NO_SETUID_FIXUP = 4
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
CAP_DAC_OVERRIDE = 1
CAPABILITY_VERSION_3 = 0x20080522


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Sets(ctypes.Structure):
    _fields_ = (("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32))


_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> None:
    if result != 0:
        raise OSError(ctypes.get_errno(), f"{what}: {os.strerror(ctypes.get_errno())}")


def end_with_parent(parent: int, number: int) -> None:
    """Ask the kernel for signal `number` when the thread that started this process ends; exit if it already did."""
    _check(_libc.prctl(PR_SET_PDEATHSIG, number, 0, 0, 0), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != parent:
        sys.exit(1)


def _become(uid: int, gid: int, *, keep: bool) -> None:
    """Change to a user; with `keep`, keep the one right to walk through folders that are closed to that user.

    The checkout may lie in root's own home (mode 0700), where no other user can reach the server's files. Its folders
    are left as they are: the server gets CAP_DAC_OVERRIDE as an ambient capability instead (capabilities(7)). The
    secure bit keeps the capabilities through the change of user, and lets access(2) count them, which initdb asks.
    """
    if keep:
        _check(_libc.prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0), "prctl(PR_SET_SECUREBITS)")
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    if keep:
        header = _Header(CAPABILITY_VERSION_3, 0)
        sets = (_Sets * 2)()
        bit = 1 << CAP_DAC_OVERRIDE
        sets[0] = _Sets(bit, bit, bit)
        _check(_libc.capset(ctypes.byref(header), ctypes.byref(sets)), "capset")
        raised = _libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_DAC_OVERRIDE, 0, 0)
        _check(raised, "prctl(PR_CAP_AMBIENT_RAISE)")


def main(arguments: list[str]) -> None:
    """Change to the user (`uid:gid`, or nothing), tie this process to its parent, and become the program."""
    parent, number, user, keep, *program = arguments
    if user:
        uid, gid = user.split(":")
        _become(int(uid), int(gid), keep=keep == "keep")
    end_with_parent(int(parent), int(number))
    os.execv(program[0], program)


if __name__ == "__main__":
    main(sys.argv[1:])
