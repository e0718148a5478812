// SPDX-License-Identifier: Apache-2.0
// The Linux that Swift cannot say: macros, variadic calls, structures behind _GNU_SOURCE.
#ifndef WMAIL_CLINUX_H
#define WMAIL_CLINUX_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <features.h>
// _GNU_SOURCE renames the member of fd_set; Swift's Glibc module is built without it, and whether the two meet depends
// on the order in which the compiler loads them.
#pragma push_macro("__USE_XOPEN")
#undef __USE_XOPEN
#include <sys/select.h>
#pragma pop_macro("__USE_XOPEN")

#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/un.h>

/// The C library's words for an errno, such as "No space left on device"; NULL for an unknown one.
const char *wm_error_text(int code);

// Files and locks (files.c)

/// Tries to lock the whole file with an open-file-description lock (F_OFD_SETLK).
/// Returns 0, or -1 with errno EAGAIN when somebody else holds it.
int wm_lock_try(int fd, bool exclusive);
/// Releases the lock of wm_lock_try.
int wm_lock_release(int fd);
/// 1 when another open file description holds a lock that conflicts with an exclusive one, 0 when none, -1 on error.
int wm_lock_is_held(int fd);
/// renameat2(2) with RENAME_NOREPLACE: EEXIST when the new name is taken, EINVAL where the file system cannot tell.
int wm_rename_new(int from_folder, const char *from, int to_folder, const char *to);
/// getdents64(2): fills the buffer with directory entries from where the last call stopped; 0 at the end.
ssize_t wm_list(int folder, void *buffer, size_t size);
/// The name of the entry at *offset of what wm_list filled in; moves *offset to the next; NULL at the end.
const char *wm_list_next(const void *buffer, size_t filled, size_t *offset);
/// sync_file_range(2): begins to write the file's contents to the disk; makes nothing durable.
int wm_begin_writing(int fd);
/// The file system's type as statfs(2) numbers it, -1 with errno.
int64_t wm_file_system_type(int fd);
/// Flushes the whole file system that the file is on; 0, or -1 with errno.
int wm_sync_file_system(int fd);
/// Opens a regular file for reading, below the folder and through no link; -1 with errno, with `cached` EAGAIN when
/// a disk would have to be waited for.
int wm_open_beneath(int folder, const char *path, bool cached);
/// The same without openat2(2): each folder of the way is opened by itself; EXDEV for `..` and absolute paths.
int wm_open_by_steps(int folder, const char *path);
/// pread(2) of what lies in the page cache; -1 with EAGAIN when the disk would have to be waited for.
ssize_t wm_read_cached(int fd, void *bytes, size_t count, off_t offset);
/// CRC-32C (Castagnoli, RFC 3720 B.4); begin with crc = 0 and pass the result on for the next part.
uint32_t wm_crc32c(uint32_t crc, const void *bytes, size_t count);

/// Sets ext4's "top of a hierarchy" flag (chattr +T) of an open folder: folders made in it are spread over the disk.
/// Returns 0, or -1 with errno: another file system.
int wm_spread_subfolders(int folder);
/// Names the calling thread for ps(1); the first 15 octets count.
void wm_name_thread(const char *name);

/// accept4(2), close-on-exec and non-blocking.
int wm_accept(int socket, struct sockaddr_storage *peer);

// Descriptors over a UNIX socket (passing.c)

/// Sends bytes and, when fd >= 0, one descriptor. Returns bytes sent, or -1 with errno.
ssize_t wm_send_descriptor(int socket, const void *bytes, size_t count, int fd);
/// Receives one datagram and at most one descriptor (close-on-exec) into *fd, -1 when none came.
ssize_t wm_receive_descriptor(int socket, void *bytes, size_t count, int *fd);

// A socket in a folder (passing.c)

/// Listens at a new SOCK_SEQPACKET socket in an open folder, for this user alone; an old name is replaced.
/// Returns a close-on-exec, non-blocking descriptor, or -1 with errno.
int wm_listen_at(int folder, const char *name);
/// Connects to such a socket; close-on-exec. -1 with errno.
int wm_connect_to(int folder, const char *name);

// Counters (counters.c)

enum {
    /// Octets of a process's page of counters.
    WM_COUNTER_PAGE = 4096,
    /// 64-bit numbers in front of the first counter.
    WM_COUNTER_FIRST = 32,
};
/// Adds to a counter of this process, on any thread.
void wm_count(unsigned number, uint64_t more);
/// Sets a counter of this process.
void wm_gauge(unsigned number, uint64_t value);
/// What a counter of this process stands at.
uint64_t wm_counted(unsigned number);
/// Maps the file's first page and counts there from now on, with what was counted so far added; once per process.
/// Returns 0, or -1 with errno.
int wm_share_counters(int fd);

// What a worker gives up (sandbox.c)

enum {
    WM_READ = 1,         // read files
    WM_LIST = 2,         // list folders
    WM_CREATE = 4,       // make files and write to them
    WM_WRITE = 8,        // write to files that are there
    WM_REMOVE = 16,      // remove files
    WM_MAKE_FOLDER = 32, // make folders
    WM_MOVE = 64,        // rename and link from and to other folders
};
struct wm_path_rule {
    const char *path;
    uint32_t rights;
};
/// Limits this thread, and those that it will start, to the paths named (landlock(7)); no TCP port can be bound, and
/// none connected to unless `may_connect`.
/// Returns the kernel's Landlock ABI, 0 when it has none, -1 with errno.
int wm_landlock(const struct wm_path_rule *rules, size_t count, bool may_connect);

enum {
    WM_CALLS_ACCEPT = 1,  // accept connections
    WM_CALLS_FILES = 2,   // open, rename, link, list …
    WM_CALLS_CONNECT = 4, // make sockets and connect them
    WM_CALLS_LOAD = 8,    // map executable pages: the resolver's plug-ins
    WM_CALLS_BENEATH = 16 // openat2(2), whose flags and mode lie in memory, which a filter cannot read
};
/// Refuses every system call (EPERM) that is not in the lists chosen; nobody can execute a program, make a process, or
/// give a file the set-user or set-group bit.
/// Returns 1, 0 when the kernel has no seccomp filters, -1 with errno.
int wm_seccomp(uint32_t calls);

// Processes and privileges (spawn.c)

/// What to start, and as whom.
struct wm_program {
    /// Absolute path; there is no search.
    const char *path;
    /// argv and envp, each ended by NULL.
    char *const *arguments;
    char *const *environment;
    /// Descriptors of this process that become 3, 4, … of the new one; it gets no others but 0 (/dev/null), 1 and 2.
    const int *descriptors;
    size_t descriptor_count;
    /// With change_user: real, effective and saved ids, and exactly these supplementary groups.
    bool change_user;
    uid_t user;
    gid_t group;
    const gid_t *groups;
    size_t group_count;
    /// RLIMIT_NOFILE, soft and hard; never above this process's own hard limit.
    uint64_t open_files;
};

/// Forks and executes. The new process has its own session, default signal handling, no capability, no_new_privs,
/// no core file, and dies with this one (call from the main thread: the parent-death signal follows the thread).
/// Returns its pid once exec has succeeded, or -1 with errno and the name of the step that failed in *failed_step.
pid_t wm_spawn(const struct wm_program *program, const char **failed_step);
/// The exit code in a status of waitpid, or -1 when a signal ended the process.
int wm_exit_code(int wait_status);
/// The signal in a status of waitpid that ended the process, or 0 when it exited.
int wm_end_signal(int wait_status);

/// Whether CAP_SETUID, CAP_SETGID and CAP_KILL are effective.
bool wm_may_become_others(void);
/// Root becomes this user for good and keeps CAP_SETUID, CAP_SETGID and CAP_KILL, nothing that exec could pass on.
/// Returns 0, or -1 with errno and the name of the step that failed in *failed_step.
int wm_drop_root(uid_t user, gid_t group, const gid_t *groups, size_t group_count, const char **failed_step);
/// No core file, and no other process of the same user may read this one's memory. Lost at exec, so each program asks.
int wm_hide_memory(void);
/// Raises the soft limit of open files to the hard one (for root: the hard one to `wanted` first). Returns the soft limit.
uint64_t wm_raise_open_files(uint64_t wanted);

/// An empty memory file; close-on-exec. -1 with errno.
int wm_memory(const char *name);
/// A memory file with these bytes that nobody can change any more; close-on-exec. -1 with errno.
int wm_sealed_memory(const char *name, const void *bytes, size_t count);

#endif
