// The app in a real browser, story by story, each with people of its own. Stories may be named, such as
// `node tests/tools/app/run.mjs tokens`; without names, all run.

import { end } from "./kit.mjs";
import account from "./account.mjs";
import lan from "./lan.mjs";
import members from "./members.mjs";
import newcomer from "./newcomer.mjs";
import sessions from "./sessions.mjs";
import tokens from "./tokens.mjs";
import webhooks from "./webhooks.mjs";
import work from "./work.mjs";

const stories = { newcomer, tokens, sessions, account, members, work, webhooks, lan };

const named = process.argv.slice(2);
for (const name of named.length ? named : Object.keys(stories)) await stories[name]();
await end();
