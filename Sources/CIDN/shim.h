// SPDX-License-Identifier: Apache-2.0
#include <stringprep.h>

/// The profile of RFC 4013: an array of unknown length, which Swift does not see.
static inline const Stringprep_profile *saslprepProfile(void) {
    return stringprep_saslprep;
}
