// SPDX-License-Identifier: Apache-2.0
// What Tests/Laboratory/thunderbird has Thunderbird do: functions for Marionette, run with the rights of its own code.
const { MailServices } = ChromeUtils.importESModule("resource:///modules/MailServices.sys.mjs");

// nsMsgSocketType and nsMsgAuthMethod.
const SECURITY = { stls: 2, tls: 3 };
const PASSWORD_IN_CLEAR = 3;

const act = {
  /** An account as its dialogue would make it, with the password in the password manager. */
  async account({ user, host, password, port, smtpPort, security, leave }) {
    const remember = (origin) => {
      const login = Cc["@mozilla.org/login-manager/loginInfo;1"].createInstance(Ci.nsILoginInfo);
      login.init(origin, null, origin, user, password, "", "");
      return Services.logins.addLoginAsync(login);
    };
    await remember(`mailbox://${host}`);
    await remember(`smtp://${host}`);

    const incoming = MailServices.accounts.createIncomingServer(user, host, "pop3");
    incoming.port = port;
    incoming.socketType = SECURITY[security];
    incoming.authMethod = PASSWORD_IN_CLEAR;
    incoming.doBiff = false;
    incoming.loginAtStartUp = false;
    incoming.QueryInterface(Ci.nsIPop3IncomingServer);
    incoming.leaveMessagesOnServer = leave;
    incoming.deleteMailLeftOnServer = leave;
    incoming.valid = true;

    const outgoing = MailServices.outgoingServer.createServer("smtp");
    outgoing.QueryInterface(Ci.nsISmtpServer);
    outgoing.hostname = host;
    outgoing.port = smtpPort;
    outgoing.socketType = SECURITY.stls;
    outgoing.authMethod = PASSWORD_IN_CLEAR;
    outgoing.username = user;

    const identity = MailServices.accounts.createIdentity();
    identity.email = `${user}@example.test`;
    identity.fullName = user;
    identity.smtpServerKey = outgoing.key;
    identity.doFcc = false;
    identity.valid = true;

    const account = MailServices.accounts.createAccount();
    account.addIdentity(identity);
    account.incomingServer = incoming;
    Services.prefs.savePrefFile(null);
    return MailServices.accounts.accounts.length;
  },

  /** Gets new mail; the subjects of all that then lies in the inbox. */
  async fetch({ user, host }) {
    const { incoming, inbox } = act.find(user, host);
    await new Promise((resolve, reject) => {
      MailServices.pop3.GetNewMail(null, {
        QueryInterface: ChromeUtils.generateQI(["nsIUrlListener"]),
        OnStartRunningUrl() {},
        OnStopRunningUrl(url, status) {
          if (Components.isSuccessCode(status)) resolve();
          else reject(new Error(`getting mail ended with ${status.toString(16)}`));
        },
      }, inbox, incoming);
    });
    return act.subjects({ user, host });
  },

  /** The subjects of the inbox, without asking the server. */
  async subjects({ user, host }) {
    return [...act.find(user, host).inbox.messages].map((message) => message.subject).sort();
  },

  /** The file of the inbox, as one mbox. */
  async file({ user, host }) {
    return act.find(user, host).inbox.filePath.path;
  },

  /** Deletes a message of the inbox for good. */
  async remove({ user, host, subject }) {
    const { inbox } = act.find(user, host);
    const chosen = [...inbox.messages].filter((message) => message.subject == subject);
    await new Promise((resolve, reject) => {
      inbox.deleteMessages(chosen, null, true, false, {
        QueryInterface: ChromeUtils.generateQI(["nsIMsgCopyServiceListener"]),
        onStartCopy() {}, onProgress() {}, setMessageKey() {}, getMessageId() { return null; },
        onStopCopy(status) {
          if (Components.isSuccessCode(status)) resolve();
          else reject(new Error(`deleting ended with ${status.toString(16)}`));
        },
      }, false);
    });
    return chosen.length;
  },

  /** Sends a message in plain text. */
  async send({ user, host, to, subject, body }) {
    const { incoming } = act.find(user, host);
    const account = MailServices.accounts.findAccountForServer(incoming);
    const identity = account.defaultIdentity;
    const fields = Cc["@mozilla.org/messengercompose/composefields;1"].createInstance(Ci.nsIMsgCompFields);
    fields.from = identity.email;
    fields.to = to;
    fields.subject = subject;
    fields.fcc = "nocopy://";
    fields.body = body;
    const parameters = Cc["@mozilla.org/messengercompose/composeparams;1"].createInstance(Ci.nsIMsgComposeParams);
    parameters.type = Ci.nsIMsgCompType.New;
    parameters.format = Ci.nsIMsgCompFormat.PlainText;
    parameters.identity = identity;
    parameters.composeFields = fields;
    const compose = MailServices.compose.initCompose(parameters);
    await compose.sendMsg(Ci.nsIMsgCompDeliverMode.Now, identity, account.key, null, null);
    return true;
  },

  find(user, host) {
    const incoming = MailServices.accounts.findServer(user, host, "pop3");
    return { incoming, inbox: incoming.rootFolder.getFolderWithFlags(Ci.nsMsgFolderFlags.Inbox) };
  },
};
