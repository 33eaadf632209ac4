// hook_peer.mjs - the peers of the webhook receiver's measure, on Node: they check the signature and hand the
// event to a function that does nothing. None of them stores anything.
//
//   node hook_peer.mjs octokit|probot FOLDER SECRET       prints the port it found
//
// FOLDER has their node_modules.
import { createServer } from "node:http";
import { generateKeyPairSync } from "node:crypto";
import { pathToFileURL } from "node:url";

const [kind, folder, secret] = process.argv.slice(2);
const load = (name) => import(pathToFileURL(`${folder}/node_modules/${name}`));

async function octokit() {
	const { Webhooks, createNodeMiddleware } = await load("@octokit/webhooks/dist-bundle/index.js");
	const webhooks = new Webhooks({ secret });
	webhooks.on("issues.labeled", () => {});
	return createNodeMiddleware(webhooks, { path: "/webhook/github" });
}

async function probot() {
	const { Probot, createNodeMiddleware } = await load("probot/lib/index.js");
	const { privateKey } = generateKeyPairSync("rsa", {
		modulusLength: 2048,
		privateKeyEncoding: { type: "pkcs8", format: "pem" },
		publicKeyEncoding: { type: "spki", format: "pem" },
	});
	const app = (p) => p.on("issues.labeled", () => {});
	const made = new Probot({ appId: 1, privateKey, secret, logLevel: "fatal" });
	return createNodeMiddleware(app, { probot: made, webhooksPath: "/webhook/github" });
}

const handler = await { octokit, probot }[kind]();
const server = createServer((q, a) => handler(q, a, () => a.writeHead(404).end()));
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
