// SPDX-License-Identifier: Apache-2.0
// The Linux that Swift cannot say: macros, variadic calls, structures behind _GNU_SOURCE.
#ifndef WMAIL_CLINUX_H
#define WMAIL_CLINUX_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/random.h>
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
/// CRC-32C (Castagnoli, RFC 3720 B.4); begin with crc = 0 and pass the result on for the next part.
uint32_t wm_crc32c(uint32_t crc, const void *bytes, size_t count);

// Descriptors over a UNIX socket (passing.c)

/// Sends bytes and, when fd >= 0, one descriptor. Returns bytes sent, or -1 with errno.
ssize_t wm_send_descriptor(int socket, const void *bytes, size_t count, int fd);
/// Receives one datagram and at most one descriptor (close-on-exec) into *fd, -1 when none came.
ssize_t wm_receive_descriptor(int socket, void *bytes, size_t count, int *fd);

#endif
