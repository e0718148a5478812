// SPDX-License-Identifier: Apache-2.0
#include "CLinux.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

// Steps of the child, in their order. The child tells the number of the step that failed, for a message with a cause.
enum step {
    STEP_DESCRIPTORS, STEP_SIGNALS, STEP_LIMITS, STEP_SETGROUPS, STEP_SETRESGID, STEP_SETRESUID, STEP_CAPABILITIES,
    STEP_DEATH_SIGNAL, STEP_PARENT_DIED, STEP_NO_NEW_PRIVS, STEP_EXEC, STEP_COUNT
};
static const char *const step_names[STEP_COUNT] = {
    "dup2", "sigaction", "setrlimit", "setgroups", "setresgid", "setresuid", "capset",
    "prctl PR_SET_PDEATHSIG", "getppid", "prctl PR_SET_NO_NEW_PRIVS", "execve"
};

struct failure {
    int step;
    int code;
};

static int set_capabilities(uint32_t kept) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = {{.effective = kept, .permitted = kept}};
    return (int)syscall(SYS_capset, &header, sets);
}

// Kernels before 4.3 have no ambient set and say EINVAL: nothing to clear.
static int clear_ambient(void) {
    int result = prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    return result < 0 && errno == EINVAL ? 0 : result;
}

static int limit_open_files(uint64_t wanted) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0) return -1;
    if (wanted < limit.rlim_max) limit.rlim_max = wanted;
    limit.rlim_cur = limit.rlim_max;
    return setrlimit(RLIMIT_NOFILE, &limit);
}

static int forbid_core(void) {
    const struct rlimit none = {0, 0};
    return setrlimit(RLIMIT_CORE, &none);
}

// Moves every source out of the way first, since a target number may be the source of another one.
// high has room for the sources; *report, which tells failures, is moved as well.
static int place_descriptors(const struct wm_program *program, int *high, int *report) {
    const int first = 3, beyond = first + (int)program->descriptor_count;
    int moved = fcntl(*report, F_DUPFD_CLOEXEC, beyond);
    if (moved < 0) return -1;
    *report = moved;
    for (size_t i = 0; i < program->descriptor_count; i++)
        if ((high[i] = fcntl(program->descriptors[i], F_DUPFD_CLOEXEC, beyond)) < 0) return -1;
    // Standard input is nobody's. Without an own output, a worker's first socket would become it.
    bool silent[3] = {true, fcntl(1, F_GETFD) < 0, fcntl(2, F_GETFD) < 0};
    int opened = open("/dev/null", O_RDWR | O_CLOEXEC);
    int null = opened < 0 ? -1 : fcntl(opened, F_DUPFD_CLOEXEC, beyond);
    if (null < 0) return -1;
    for (int number = 0; number <= 2; number++)
        if (silent[number] && dup2(null, number) < 0) return -1;
    for (size_t i = 0; i < program->descriptor_count; i++)
        if (dup2(high[i], first + (int)i) < 0) return -1;
    // All others are close-on-exec anyway; this holds also for one that a library opened otherwise.
    (void)close_range((unsigned)beyond, ~0U, CLOSE_RANGE_CLOEXEC);
    return 0;
}

// Signals are blocked from before the fork, so no handler of the parent runs here.
static int reset_signals(void) {
    struct sigaction action = {.sa_handler = SIG_DFL};
    for (int number = 1; number < NSIG; number++)
        // Those that may not be changed, and the C library's own two, say EINVAL.
        if (sigaction(number, &action, NULL) < 0 && errno != EINVAL) return -1;
    sigset_t none;
    sigemptyset(&none);
    return sigprocmask(SIG_SETMASK, &none, NULL);
}

// The child, from fork to exec: system calls only, for whatever the parent's other threads held is locked for ever.
static enum step become(const struct wm_program *program, int *high, int *report, pid_t parent) {
    // First, while still the parent's user: this memory is a copy of the parent's, with all its secrets.
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    // A terminal's interrupt goes to the parent alone, which then ends the others in order.
    (void)setsid();
    if (place_descriptors(program, high, report) < 0) return STEP_DESCRIPTORS;
    if (reset_signals() < 0) return STEP_SIGNALS;
    if (limit_open_files(program->open_files) < 0 || forbid_core() < 0) return STEP_LIMITS;
    if (program->change_user) {
        // The raw calls: the C library's would look for other threads to take along.
        if (syscall(SYS_setgroups, program->group_count, program->groups) < 0) return STEP_SETGROUPS;
        if (syscall(SYS_setresgid, program->group, program->group, program->group) < 0) return STEP_SETRESGID;
        if (syscall(SYS_setresuid, program->user, program->user, program->user) < 0) return STEP_SETRESUID;
    }
    if (clear_ambient() < 0 || set_capabilities(0) < 0) return STEP_CAPABILITIES;
    // After the credentials, whose change clears it; then look whether the parent died before it was set.
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0) return STEP_DEATH_SIGNAL;
    if (getppid() != parent) {
        errno = ESRCH;
        return STEP_PARENT_DIED;
    }
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) return STEP_NO_NEW_PRIVS;
    execve(program->path, program->arguments, program->environment);
    return STEP_EXEC;
}

pid_t wm_spawn(const struct wm_program *program, const char **failed_step) {
    int ends[2];
    *failed_step = "pipe2";
    if (pipe2(ends, O_CLOEXEC) < 0) return -1;
    *failed_step = "malloc";
    int *high = malloc((program->descriptor_count + 1) * sizeof *high);
    sigset_t all, before;
    sigfillset(&all);
    pid_t child = -1, parent = getpid();
    int code = errno;
    if (high) {
        *failed_step = "fork";
        sigprocmask(SIG_SETMASK, &all, &before);
        child = fork();
        if (child == 0) {
            struct failure failure = {.step = become(program, high, &ends[1], parent), .code = errno};
            ssize_t told = write(ends[1], &failure, sizeof failure);
            _exit(told == sizeof failure ? 127 : 126);
        }
        code = errno;
        sigprocmask(SIG_SETMASK, &before, NULL);
        free(high);
    }
    close(ends[1]);
    if (child > 0) {
        struct failure failure;
        ssize_t got;
        do got = read(ends[0], &failure, sizeof failure);
        while (got < 0 && errno == EINTR);
        if (got != 0) {  // exec succeeded exactly when the pipe closed without a word
            code = EIO;
            if (got == sizeof failure && failure.step >= 0 && failure.step < STEP_COUNT) {
                *failed_step = step_names[failure.step];
                code = failure.code;
            }
            while (waitpid(child, NULL, 0) < 0 && errno == EINTR) {}
            child = -1;
        }
    }
    close(ends[0]);
    if (child < 0) errno = code;
    return child;
}

int wm_exit_code(int wait_status) { return WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : -1; }

int wm_end_signal(int wait_status) { return WIFSIGNALED(wait_status) ? WTERMSIG(wait_status) : 0; }

bool wm_may_become_others(void) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {{0}};
    if (syscall(SYS_capget, &header, data) < 0) return false;
    const uint32_t needed = 1U << CAP_SETUID | 1U << CAP_SETGID | 1U << CAP_KILL;
    return (data[0].effective & needed) == needed;
}

int wm_drop_root(uid_t user, gid_t group, const gid_t *groups, size_t group_count, const char **failed_step) {
    // Each needs CAP_SETPCAP. A service manager that took it took the rest too, and the children's no_new_privs holds.
    *failed_step = "prctl PR_CAPBSET_DROP";
    for (unsigned long capability = 0; prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; capability++)
        if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0 && errno != EPERM) return -1;
    // Even a user id of 0 brings no capability at exec any more.
    *failed_step = "prctl PR_SET_SECUREBITS";
    if (prctl(PR_SET_SECUREBITS, SECBIT_NOROOT | SECBIT_NOROOT_LOCKED, 0, 0, 0) < 0 && errno != EPERM) return -1;
    *failed_step = "prctl PR_SET_KEEPCAPS";
    if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0) return -1;
    *failed_step = "setgroups";
    if (setgroups(group_count, groups) < 0) return -1;
    *failed_step = "setresgid";
    if (setresgid(group, group, group) < 0) return -1;
    *failed_step = "setresuid";
    if (setresuid(user, user, user) < 0) return -1;
    *failed_step = "capset";
    if (clear_ambient() < 0) return -1;
    if (set_capabilities(1U << CAP_SETUID | 1U << CAP_SETGID | 1U << CAP_KILL) < 0) return -1;
    *failed_step = "prctl";
    if (prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) < 0) return -1;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) return -1;
    return wm_hide_memory();
}

int wm_hide_memory(void) {
    if (forbid_core() < 0) return -1;
    return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

uint64_t wm_raise_open_files(uint64_t wanted) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0) return 0;
    if (limit.rlim_max < wanted) {
        const struct rlimit more = {wanted, wanted};
        if (setrlimit(RLIMIT_NOFILE, &more) == 0) return wanted;
    }
    limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur;
}

int wm_memory(const char *name) { return memfd_create(name, MFD_CLOEXEC); }

int wm_sealed_memory(const char *name, const void *bytes, size_t count) {
    int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0) return -1;
    const char *next = bytes;
    while (count > 0) {
        ssize_t written = write(fd, next, count);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) goto failed;
        next += written;
        count -= (size_t)written;
    }
    if (fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) == 0) return fd;
failed:;
    int code = errno;
    close(fd);
    errno = code;
    return -1;
}
