// SPDX-License-Identifier: Apache-2.0
// The server's programs linked into one file, which has a hard link for each name (docs/decisions/0010): what they
// have in common is then in memory once. packaging/build makes it from the objects of the programs.
#include <stdio.h>
#include <string.h>

int master_main(int count, char **words);
int smtpd_main(int count, char **words);
int pop3d_main(int count, char **words);
int relayd_main(int count, char **words);
int authd_main(int count, char **words);

static const struct {
    const char *name;
    int (*main)(int count, char **words);
} programs[] = {
    {"master", master_main}, {"smtpd", smtpd_main}, {"pop3d", pop3d_main}, {"relayd", relayd_main}, {"authd", authd_main},
};

int main(int count, char **words) {
    const char *path = count > 0 ? words[0] : "";
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    for (size_t i = 0; i < sizeof programs / sizeof *programs; i++)
        if (strcmp(name, programs[i].name) == 0) return programs[i].main(count, words);
    fprintf(stderr, "error: %s is none of master, smtpd, pop3d, relayd and authd\n", path);
    return 64;
}
