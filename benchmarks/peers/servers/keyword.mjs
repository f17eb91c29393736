// The floor: an endpoint without a model, as small as one can be. Keywords counted over 13 short documents.
import { createServer } from "node:http";

const topics = {
  hours: "We are open Monday to Friday from 8 am to 6 pm and on Saturday from 9 am to 1 pm.",
  refund: "Refunds are paid to the original card within five working days.",
  shipping: "Standard shipping takes three days, express shipping one day.",
  returns: "Items can be returned within thirty days with the receipt.",
  warranty: "Every device has a warranty of two years.",
  password: "To reset a password choose forgot password on the sign-in page.",
  pin: "To reset a pin hold the star key for ten seconds.",
  invoice: "Invoices are sent by e-mail on the first day of each month.",
  cancel: "A contract can be cancelled with one month's notice.",
  upgrade: "Upgrades take effect at once, the difference is charged pro rata.",
  address: "A change of address can be made in the account settings.",
  outage: "Outages are shown on the status page and by text message.",
  contact: "Agents can be reached by phone around the clock.",
};
const documents = Object.entries(topics).map(([id, content]) => ({
  id,
  content,
  words: new Set(`${id} ${content}`.toLowerCase().match(/[a-z]+/g)),
}));

function search(query) {
  const asked = new Set(query.toLowerCase().match(/[a-z]+/g) ?? []);
  return documents
    .map(({ id, content, words }) => ({ id, content, score: [...asked].filter((word) => words.has(word)).length }))
    .filter(({ score }) => score > 0)
    .sort((one, other) => other.score - one.score)
    .slice(0, 3);
}

const server = createServer((request, response) => {
  const parts = [];
  request.on("data", (part) => parts.push(part));
  request.on("end", () => {
    const { session_label, query } = JSON.parse(Buffer.concat(parts));
    const results = search(query);
    const context = results.map(({ content }) => `- ${content}`).join("\n");
    const body = JSON.stringify({ session_label, query, context, results });
    response.writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(body) });
    response.end(body);
  });
});
server.listen(0, "127.0.0.1", () => console.error(`running on http://127.0.0.1:${server.address().port}`));
