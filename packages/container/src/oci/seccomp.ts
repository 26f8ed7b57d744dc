/**
 * A deny list for the few system calls that need no capability and yet reach far into the kernel,
 * or make namespaces in which capabilities come back. What needs a capability is refused already.
 * Source for the risks: containers/common's and moby's default profiles.
 */
const DENIED = [
  "add_key",
  "bpf",
  "finit_module",
  "fsconfig",
  "fsmount",
  "fsopen",
  "fspick",
  "init_module",
  "io_uring_enter",
  "io_uring_register",
  "io_uring_setup",
  "kcmp",
  "kexec_file_load",
  "kexec_load",
  "keyctl",
  "lookup_dcookie",
  "mount",
  "mount_setattr",
  "move_mount",
  "name_to_handle_at",
  "open_by_handle_at",
  "open_tree",
  "perf_event_open",
  "pivot_root",
  "process_vm_readv",
  "process_vm_writev",
  "request_key",
  "setns",
  "umount2",
  "userfaultfd",
  "vmsplice",
];

const EPERM = 1;
const ENOSYS = 38;
const CLONE_NEWUSER = 0x1000_0000;

/** The `linux.seccomp` object of a bundle. */
export const SECCOMP: object = {
  defaultAction: "SCMP_ACT_ALLOW",
  syscalls: [
    { names: DENIED, action: "SCMP_ACT_ERRNO", errnoRet: EPERM },
    {
      names: ["clone", "unshare"],
      action: "SCMP_ACT_ERRNO",
      errnoRet: EPERM,
      args: [{ index: 0, value: CLONE_NEWUSER, valueTwo: CLONE_NEWUSER, op: "SCMP_CMP_MASKED_EQ" }],
    },
    // Its flags lie behind a pointer, which a filter cannot follow; the C library falls back to clone.
    { names: ["clone3"], action: "SCMP_ACT_ERRNO", errnoRet: ENOSYS },
  ],
};
