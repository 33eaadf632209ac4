/* seccomp.c - building the filter with libseccomp. */
#include "runner/seccomp.h"

#include "base/mem.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOW32 0xffffffffULL

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif
#ifndef CLONE_NEWCGROUP
#define CLONE_NEWCGROUP 0x02000000
#endif

/*
 * The first call number that the list below does not know (466 is removexattrat of Linux 6.13). All
 * architectures number new calls alike. libseccomp cannot express "every number from here on",
 * so the four instructions are put in front of its program by hand.
 */
#define FIRST_UNKNOWN_CALL 467
#define FCHMODAT2_CALL     452 /* of Linux 6.6, which libseccomp 2.5.4 does not know by name */
#define X32_CALL_BIT       0x40000000

static const struct denied {
	const char *name; /* by name: a call that this architecture lacks is left out */
	int error;
} denied[] = {
	/* mounts and roots */
	{"mount", EPERM},
	{"umount", EPERM},
	{"umount2", EPERM},
	{"pivot_root", EPERM},
	{"chroot", EPERM},
	{"move_mount", EPERM},
	{"open_tree", EPERM},
	{"fsopen", EPERM},
	{"fsconfig", EPERM},
	{"fsmount", EPERM},
	{"fspick", EPERM},
	{"mount_setattr", EPERM},
	{"open_by_handle_at", EPERM},
	{"fanotify_init", EPERM},
	{"quotactl", EPERM},
	{"quotactl_fd", EPERM},
	/* namespaces; unshare and clone are below. clone3 passes its flags in memory, where a
	 * filter cannot look; libraries fall back to clone */
	{"setns", EPERM},
	{"clone3", ENOSYS},
	/* other processes */
	{"ptrace", EPERM},
	{"process_vm_readv", EPERM},
	{"process_vm_writev", EPERM},
	{"process_madvise", EPERM},
	{"kcmp", EPERM},
	{"pidfd_getfd", EPERM},
	/* the kernel itself */
	{"bpf", EPERM},
	{"perf_event_open", EPERM},
	{"userfaultfd", EPERM},
	{"keyctl", EPERM},
	{"add_key", EPERM},
	{"request_key", EPERM},
	{"kexec_load", EPERM},
	{"kexec_file_load", EPERM},
	{"init_module", EPERM},
	{"finit_module", EPERM},
	{"delete_module", EPERM},
	{"create_module", EPERM},
	{"swapon", EPERM},
	{"swapoff", EPERM},
	{"reboot", EPERM},
	{"acct", EPERM},
	{"syslog", EPERM},
	{"_sysctl", EPERM},
	{"iopl", EPERM},
	{"ioperm", EPERM},
	{"modify_ldt", EPERM},
	{"vhangup", EPERM},
	{"vmsplice", EPERM},
	{"lookup_dcookie", EPERM},
	{"nfsservctl", EPERM},
	{"uselib", EPERM},
	{"settimeofday", EPERM},
	{"clock_settime", EPERM},
	{"clock_adjtime", EPERM},
	{"adjtimex", EPERM},
	{"stime", EPERM},
	{"sethostname", EPERM},
	{"setdomainname", EPERM},
	{"migrate_pages", EPERM},
	{"move_pages", EPERM},
	/* contexts are counted for the whole machine, whose databases would get none */
	{"io_setup", ENOSYS},
	{"io_uring_setup", ENOSYS},
	{"io_uring_enter", ENOSYS},
	{"io_uring_register", ENOSYS},
	/* memory that belongs to no process and no mount, and so escapes the keeper's sum */
	{"memfd_create", ENOSYS},
	{"memfd_secret", ENOSYS},
};

static const uint64_t namespace_flags[] = {
	CLONE_NEWNS,  CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC,
	CLONE_NEWPID, CLONE_NEWUSER,   CLONE_NEWNET,
};

static const int allowed_families[] = {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK};
#define FAMILIES_KNOWN 46 /* AF_MAX of Linux 6.x; whatever is at or above is refused in one rule */

/* System V shared memory without a process is not in the keeper's sum either: 4096 segments of this
 * size are 256 MiB. Databases use a few bytes. */
#define SHM_SEGMENT_MAX (64 << 10)
/* Nor are semaphores, of 64 bytes each: 32000 arrays of this size are 250 MiB. */
#define SEM_ARRAY_MAX 128

static int deny(scmp_filter_ctx f, const char *name, int error)
{
	int nr = seccomp_syscall_resolve_name(name);
	int r;

	if (nr == __NR_SCMP_ERROR || nr < 0)
		return 0;
	r = seccomp_rule_add(f, SCMP_ACT_ERRNO((uint16_t)error), nr, 0);
	return r == -EFAULT ? 0 : r;
}

/* Refuses the call when the argument compares; b is the value where a is a mask. */
static int deny_if(scmp_filter_ctx f, int nr, int error, unsigned arg, enum scmp_compare how,
		   uint64_t a, uint64_t b)
{
	struct scmp_arg_cmp c = {.arg = arg, .op = how, .datum_a = a, .datum_b = b};

	return seccomp_rule_add_array(f, SCMP_ACT_ERRNO((uint16_t)error), nr, 1, &c);
}

static int deny_namespaces(scmp_filter_ctx f)
{
	int r = deny_if(f, SCMP_SYS(unshare), EPERM, 0, SCMP_CMP_MASKED_EQ, CLONE_NEWTIME,
			CLONE_NEWTIME);

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(namespace_flags); i++) {
		uint64_t flag = namespace_flags[i];

		r = deny_if(f, SCMP_SYS(unshare), EPERM, 0, SCMP_CMP_MASKED_EQ, flag, flag);
		if (r == 0)
			r = deny_if(f, SCMP_SYS(clone), EPERM, 0, SCMP_CMP_MASKED_EQ, flag, flag);
	}
	return r;
}

/* The kernel looks at the low 32 bits of a request, so the comparison does too. */
static int deny_terminal(scmp_filter_ctx f)
{
	static const uint64_t requests[] = {TIOCSTI, TIOCLINUX};
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(requests); i++)
		r = deny_if(f, SCMP_SYS(ioctl), EPERM, 1, SCMP_CMP_MASKED_EQ, LOW32, requests[i]);
	return r;
}

/*
 * The limit on core files stays as the keeper set it (supervise.c says why): setting it to anything is said to have
 * worked and is not done, because programs that hide secrets give up when they may not.
 */
static int keep_core_limit(scmp_filter_ctx f)
{
	static const struct scmp_arg_cmp prlimit[] = {
		{.arg = 1, .op = SCMP_CMP_MASKED_EQ, .datum_a = LOW32, .datum_b = RLIMIT_CORE},
		{.arg = 2, .op = SCMP_CMP_NE, .datum_a = 0, .datum_b = 0},
	};
	int r = deny_if(f, SCMP_SYS(setrlimit), 0, 0, SCMP_CMP_MASKED_EQ, LOW32, RLIMIT_CORE);

	/* Process 1 is ours and has the run's user: with other limits it could not count or tell. */
	if (r == 0)
		r = deny_if(f, SCMP_SYS(prlimit64), EPERM, 0, SCMP_CMP_MASKED_EQ, LOW32, 1);

	if (r == 0)
		r = seccomp_rule_add_array(f, SCMP_ACT_ERRNO(0), SCMP_SYS(prlimit64),
					   ARRAY_LEN(prlimit), prlimit);
	return r;
}

static bool family_allowed(int family)
{
	for (size_t i = 0; i < ARRAY_LEN(allowed_families); i++)
		if (allowed_families[i] == family)
			return true;
	return false;
}

/* The register is compared whole: a family hidden behind high bits, which the kernel drops, is over
 * the last known one and refused. Of netlink, only the routing protocol (getifaddrs). */
static int deny_sockets(scmp_filter_ctx f)
{
	static const struct scmp_arg_cmp netlink[] = {
		{.arg = 0, .op = SCMP_CMP_EQ, .datum_a = AF_NETLINK, .datum_b = 0},
		{.arg = 2, .op = SCMP_CMP_NE, .datum_a = 0, .datum_b = 0},
	};
	int r = deny_if(f, SCMP_SYS(socket), EAFNOSUPPORT, 0, SCMP_CMP_GE, FAMILIES_KNOWN, 0);

	for (int family = 0; r == 0 && family < FAMILIES_KNOWN; family++)
		if (!family_allowed(family))
			r = deny_if(f, SCMP_SYS(socket), EAFNOSUPPORT, 0, SCMP_CMP_EQ,
				    (uint64_t)family, 0);
	if (r == 0)
		r = seccomp_rule_add_array(f, SCMP_ACT_ERRNO(EAFNOSUPPORT), SCMP_SYS(socket),
					   ARRAY_LEN(netlink), netlink);
	return r;
}

/*
 * Files of a run belong to the daemon's user on the host: a set-uid program among them would be that
 * user for whoever can reach and execute it. openat2() has its mode in memory, where a filter cannot
 * look; libraries fall back to openat().
 */
static int deny_setuid(scmp_filter_ctx f)
{
	static const struct {
		const char *name;
		unsigned arg; /* the mode */
	} calls[] = {
		{"chmod", 1}, {"fchmod", 1}, {"fchmodat", 2}, {"fchmodat2", 2}, {"open", 2},
		{"creat", 1}, {"openat", 3}, {"mknod", 1},    {"mknodat", 2},
	};
	int r = deny(f, "openat2", ENOSYS);

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(calls); i++) {
		int nr = seccomp_syscall_resolve_name(calls[i].name);

		if (nr < 0 && !strcmp(calls[i].name, "fchmodat2"))
			nr = FCHMODAT2_CALL;
		if (nr >= 0)
			r = deny_if(f, nr, EPERM, calls[i].arg, SCMP_CMP_MASKED_EQ, S_ISUID,
				    S_ISUID);
	}
	return r;
}

static int fill(scmp_filter_ctx f)
{
	int r = seccomp_attr_set(f, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(denied); i++)
		r = deny(f, denied[i].name, denied[i].error);
	if (r == 0)
		r = deny_namespaces(f);
	if (r == 0)
		r = deny_terminal(f);
	if (r == 0)
		r = deny_sockets(f);
	if (r == 0)
		r = keep_core_limit(f);
	if (r == 0)
		r = deny_if(f, SCMP_SYS(shmget), ENOMEM, 1, SCMP_CMP_GT, SHM_SEGMENT_MAX, 0);
	if (r == 0)
		r = deny_if(f, SCMP_SYS(semget), ENOMEM, 1, SCMP_CMP_GT, SEM_ARRAY_MAX, 0);
	if (r == 0)
		r = deny_setuid(f);
	return r;
}

/* if (nr < 0x40000000 && nr >= FIRST_UNKNOWN_CALL) return ENOSYS; x32 goes on and is killed. */
static int write_prefix(int fd)
{
	static const struct sock_filter prefix[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, X32_CALL_BIT, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, FIRST_UNKNOWN_CALL, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
	};

	return write(fd, prefix, sizeof(prefix)) == (ssize_t)sizeof(prefix) ? 0 : -EIO;
}

int seccomp_filter_fd(int *ret_fd, struct err *err)
{
	autoclose int fd = memfd_create("seccomp", MFD_CLOEXEC);
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_ALLOW);
	int r;

	if (fd < 0 || !f) {
		if (f)
			seccomp_release(f);
		return err_set(err, ERR_UNSAFE, "seccomp: no filter can be made: %s",
			       strerror(errno));
	}
	r = fill(f);
	if (r == 0)
		r = write_prefix(fd);
	if (r == 0)
		r = seccomp_export_bpf(f, fd);
	seccomp_release(f);
	if (r < 0 || lseek(fd, 0, SEEK_SET) < 0)
		return err_set(err, ERR_UNSAFE, "seccomp: the filter could not be built: %s",
			       strerror(r < 0 ? -r : errno));
	*ret_fd = steal_fd(&fd);
	return 0;
}
