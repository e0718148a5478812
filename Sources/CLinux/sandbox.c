// SPDX-License-Identifier: Apache-2.0
// Landlock and seccomp: what a worker gives up before it reads its first byte from the network.
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sched.h>
#include <unistd.h>

// Debian 12's kernel headers know Landlock ABI 2 only; these are the kernel's own numbers (landlock(7)).
struct ruleset_attribute {
    uint64_t files, network, scopes;
};
struct path_attribute {
    uint64_t access;
    int32_t parent;
} __attribute__((packed));

struct port_attribute {
    uint64_t access, port;
};

enum {
    EXECUTE = 1 << 0, WRITE_FILE = 1 << 1, READ_FILE = 1 << 2, READ_DIR = 1 << 3, REMOVE_DIR = 1 << 4,
    REMOVE_FILE = 1 << 5, MAKE_CHAR = 1 << 6, MAKE_DIR = 1 << 7, MAKE_REG = 1 << 8, MAKE_SOCK = 1 << 9,
    MAKE_FIFO = 1 << 10, MAKE_BLOCK = 1 << 11, MAKE_SYM = 1 << 12, REFER = 1 << 13, TRUNCATE = 1 << 14,
    IOCTL_DEV = 1 << 15,
};

int wm_landlock(const struct wm_path_rule *rules, size_t count, bool may_connect) {
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, 1 /* LANDLOCK_CREATE_RULESET_VERSION */);
    if (abi < 1) return 0;
    struct ruleset_attribute all = {.files = (1 << 13) - 1};
    size_t size = sizeof all.files;
    if (abi >= 2) all.files |= REFER;
    if (abi >= 3) all.files |= TRUNCATE;
    if (abi >= 4) {
        all.network = 1 /* bind */ | (may_connect ? 0 : 2 /* connect */);
        size = offsetof(struct ruleset_attribute, scopes);
    }
    if (abi >= 5) all.files |= IOCTL_DEV;
    if (abi >= 6) {
        all.scopes = 1 /* abstract UNIX sockets */ | 2 /* signals */;
        size = sizeof all;
    }
    int ruleset = (int)syscall(SYS_landlock_create_ruleset, &all, size, 0);
    if (ruleset < 0) return -1;
    for (size_t i = 0; i < count; i++) {
        uint64_t access = 0;
        uint32_t rights = rules[i].rights;
        if (rights & WM_READ) access |= READ_FILE;
        if (rights & WM_LIST) access |= READ_DIR;
        if (rights & WM_CREATE) access |= MAKE_REG | WRITE_FILE | TRUNCATE;
        if (rights & WM_WRITE) access |= WRITE_FILE | TRUNCATE;
        if (rights & WM_REMOVE) access |= REMOVE_FILE;
        if (rights & WM_MAKE_FOLDER) access |= MAKE_DIR;
        if (rights & WM_MOVE) access |= REFER;
        struct path_attribute path = {.access = access & all.files};
        path.parent = open(rules[i].path, O_PATH | O_CLOEXEC);
        if (path.parent < 0) goto failed;
        long added = syscall(SYS_landlock_add_rule, ruleset, 1 /* LANDLOCK_RULE_PATH_BENEATH */, &path, 0);
        close(path.parent);
        if (added < 0) goto failed;
    }
    if (may_connect && abi >= 4) {
        // Port 0 is "any free one": a source address is bound so.
        struct port_attribute port = {.access = 1 /* bind */, .port = 0};
        if (syscall(SYS_landlock_add_rule, ruleset, 2 /* LANDLOCK_RULE_NET_PORT */, &port, 0) < 0) goto failed;
    }
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) goto failed;
    if (syscall(SYS_landlock_restrict_self, ruleset, 0) < 0) goto failed;
    close(ruleset);
    return (int)abi;
failed:;
    int code = errno;
    close(ruleset);
    errno = code;
    return -1;
}

static const int everyone[] = {
    SYS_epoll_wait, SYS_read, SYS_write, SYS_recvfrom, SYS_sendto, SYS_epoll_ctl, SYS_futex, SYS_close,
    SYS_recvmsg, SYS_sendmsg, SYS_readv, SYS_writev, SYS_clock_gettime, SYS_getrandom, SYS_fcntl, SYS_shutdown,
    SYS_fstat, SYS_lseek, SYS_munmap, SYS_mremap, SYS_madvise, SYS_brk, SYS_rt_sigaction,
    SYS_rt_sigprocmask, SYS_rt_sigreturn, SYS_sigaltstack, SYS_sched_yield, SYS_nanosleep, SYS_clock_nanosleep,
    SYS_clock_getres, SYS_gettimeofday, SYS_getpid, SYS_getppid, SYS_gettid, SYS_getuid, SYS_geteuid, SYS_getgid,
    SYS_getegid, SYS_exit, SYS_exit_group, SYS_set_robust_list, SYS_rseq, SYS_epoll_pwait, SYS_eventfd2,
    SYS_sched_getaffinity, SYS_restart_syscall, SYS_sysinfo, SYS_uname, SYS_signalfd4, SYS_getsockname,
    SYS_getpeername, SYS_getsockopt, SYS_setsockopt, SYS_poll, SYS_ppoll,
};
static const int files[] = {
    SYS_pread64, SYS_pwrite64, SYS_fsync, SYS_syncfs, SYS_ftruncate, SYS_rename, SYS_renameat,
    SYS_renameat2, SYS_link, SYS_linkat, SYS_unlink, SYS_unlinkat, SYS_mkdir, SYS_mkdirat,
    SYS_getdents64, SYS_newfstatat, SYS_stat, SYS_lstat, SYS_statx, SYS_statfs, SYS_fstatfs,
    SYS_inotify_init1, SYS_inotify_add_watch, SYS_inotify_rm_watch, SYS_fadvise64, SYS_sendfile,
    SYS_copy_file_range, SYS_sync_file_range, SYS_utimensat, SYS_access, SYS_faccessat, SYS_dup,
    SYS_preadv2,
};
static const int connecting[] = {SYS_socket, SYS_connect, SYS_bind, SYS_sendmmsg, SYS_ioctl, SYS_readlink};

#define MOST 320
struct program {
    struct sock_filter code[MOST];
    unsigned short length;
};

static void emit(struct program *p, unsigned short code, uint32_t value, uint8_t yes, uint8_t no) {
    if (p->length < MOST) p->code[p->length++] = (struct sock_filter){code, yes, no, value};
}

static void allow(struct program *p, uint32_t number) {
    emit(p, BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1);
    emit(p, BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
}

static void refuse(struct program *p, uint32_t number, uint32_t code) {
    emit(p, BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1);
    emit(p, BPF_RET | BPF_K, SECCOMP_RET_ERRNO | code, 0, 0);
}

/// Allows the call if (argument & mask) == wanted, else refuses it; only the low 32 bits of the argument are looked at.
static void allow_if(struct program *p, uint32_t number, int argument, uint32_t mask, uint32_t wanted) {
    uint32_t low = offsetof(struct seccomp_data, args) + 8 * (uint32_t)argument;
    emit(p, BPF_JMP | BPF_JEQ | BPF_K, number, 0, 5);
    emit(p, BPF_LD | BPF_W | BPF_ABS, low, 0, 0);
    emit(p, BPF_ALU | BPF_AND | BPF_K, mask, 0, 0);
    emit(p, BPF_JMP | BPF_JEQ | BPF_K, wanted, 0, 1);
    emit(p, BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
    emit(p, BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM, 0, 0);
}

/// Allows to open files, but none may be made with the set-user or set-group bit; the mode counts only where one is made.
static void allow_open(struct program *p, uint32_t number, int flags, int mode) {
    uint32_t first = offsetof(struct seccomp_data, args);
    emit(p, BPF_JMP | BPF_JEQ | BPF_K, number, 0, 6);
    emit(p, BPF_LD | BPF_W | BPF_ABS, first + 8 * (uint32_t)flags, 0, 0);
    emit(p, BPF_JMP | BPF_JSET | BPF_K, O_CREAT | (O_TMPFILE & ~O_DIRECTORY), 0, 2);
    emit(p, BPF_LD | BPF_W | BPF_ABS, first + 8 * (uint32_t)mode, 0, 0);
    emit(p, BPF_JMP | BPF_JSET | BPF_K, S_ISUID | S_ISGID, 1, 0);
    emit(p, BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
    emit(p, BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM, 0, 0);
}

int wm_seccomp(uint32_t calls) {
#if defined(__x86_64__)
    const uint32_t architecture = AUDIT_ARCH_X86_64;
#else
#error "name this architecture's AUDIT_ARCH and revise the lists of system calls"
#endif
    struct program p = {.length = 0};
    emit(&p, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch), 0, 0);
    emit(&p, BPF_JMP | BPF_JEQ | BPF_K, architecture, 1, 0);
    emit(&p, BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS, 0, 0);
    emit(&p, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr), 0, 0);
    for (size_t i = 0; i < sizeof everyone / sizeof *everyone; i++) allow(&p, (uint32_t)everyone[i]);
    if (calls & WM_CALLS_ACCEPT) allow(&p, SYS_accept4);
    if (calls & WM_CALLS_FILES) {
        for (size_t i = 0; i < sizeof files / sizeof *files; i++) allow(&p, (uint32_t)files[i]);
        allow_open(&p, SYS_open, 1, 2);
        allow_open(&p, SYS_openat, 2, 3);
        allow_if(&p, SYS_fchmod, 1, S_ISUID | S_ISGID, 0);
        allow_if(&p, SYS_fchmodat, 2, S_ISUID | S_ISGID, 0);
    }
    if (calls & WM_CALLS_BENEATH) allow(&p, SYS_openat2);
    if (calls & WM_CALLS_CONNECT)
        for (size_t i = 0; i < sizeof connecting / sizeof *connecting; i++) allow(&p, (uint32_t)connecting[i]);
    if (calls & WM_CALLS_LOAD) {
        allow(&p, SYS_mmap);
        allow(&p, SYS_mprotect);
    } else {
        allow_if(&p, SYS_mmap, 2, PROT_EXEC, 0);
        allow_if(&p, SYS_mprotect, 2, PROT_EXEC, 0);
    }
    // The flags of clone3 lie in memory, which a filter cannot read; without it the C library uses clone.
    refuse(&p, SYS_clone3, ENOSYS);
    allow_if(&p, SYS_clone, 0, CLONE_THREAD, CLONE_THREAD);
    allow_if(&p, SYS_prctl, 0, 0xFFFFFFFF, PR_SET_NAME);
    allow_if(&p, SYS_tgkill, 0, 0xFFFFFFFF, (uint32_t)getpid());
    allow_if(&p, SYS_prlimit64, 0, 0xFFFFFFFF, 0);
    emit(&p, BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM, 0, 0);
    if (p.length >= MOST) {
        errno = E2BIG;
        return -1;
    }
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) return -1;
    struct sock_fprog program = {.len = p.length, .filter = p.code};
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program) != 0) {
        if (errno == ENOSYS || errno == EINVAL) return 0;
        return -1;
    }
    return 1;
}
