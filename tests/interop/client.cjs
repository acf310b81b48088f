// A Service User made of the industry's packages: its parser writes and reads DUIS, its tool signs and validates, its
// key store looks certificates up. `node client.cjs SETTINGS.json` prints what happened as one JSON document:
// {answers: {step: answer}, messages: [message that was posted to it], refused: [why one was not taken], certificates}.
const { createServer } = require('node:http');
const { readFileSync } = require('node:fs');
const { setTimeout: wait } = require('node:timers/promises');
const { constructDuis, parseDuis } = require('@smartdcc/duis-parser');
const { signDuis, validateDuis } = require('@smartdcc/duis-sign-wrap');
const { BoxedKeyStore, KeyUsage } = require('@smartdcc/dccboxed-keystore');

const BODY_OCTETS_MAX = 100 * 1024; // what the body parser of the public client takes by default
const VERSION = '5.1'; // the schema in the packaged signing tool
const WAIT_MS_MAX = 90_000;
const WEB_SERVICE = { 1: 'S', 4: 'T', 5: 'S', 8: 'D' };

const settings = JSON.parse(readFileSync(process.argv[2], 'utf-8'));
const report = { answers: {}, messages: [], refused: [], certificates: [] };

/** Sign a request and post it to the web service of its command variant; give the answer, validated and read. */
async function ask(step, srv, commandVariant, target, body) {
  const plain = constructDuis(
    'simplified',
    {
      header: {
        type: 'request',
        requestId: { originatorId: settings.supplier, targetId: target, counter: BigInt(Date.now()) },
        commandVariant,
        serviceReference: srv,
        serviceReferenceVariant: srv,
      },
      body,
    },
    VERSION,
  );
  const signed = await signDuis({ xml: plain });
  const answered = await fetch(`${settings.gateway}/api/v1/service${WEB_SERVICE[commandVariant]}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/xml' },
    body: signed,
  });
  const mediaType = answered.headers.get('content-type').split(';')[0];
  if (!answered.ok || mediaType !== 'application/xml') {
    throw new Error(`${step}: HTTP ${answered.status} ${mediaType}: ${await answered.text()}`);
  }
  const asked = parseDuis('simplified', signed).header.requestId;
  report.answers[step] = { asked, ...(await opened(await answered.text())) };
  return asked;
}

/** Validate and read; the tool lets unsigned answers pass, so say whether there was a signature that it checked. */
async function opened(xml) {
  const signed = xml.includes('<ds:Signature');
  return { signed, ...parseDuis('simplified', await validateDuis({ xml })) };
}

/** Take a message as the public client does: 204 if it validates and can be read, else 400, and 413 if too large. */
async function take(octets) {
  if (octets.length > BODY_OCTETS_MAX) {
    report.refused.push(`${octets.length} octets`);
    return 413;
  }
  try {
    report.messages.push(await opened(octets.toString('utf-8')));
    return 204;
  } catch (error) {
    report.refused.push(`${error}\n${octets}`);
    return 400;
  }
}

function listen() {
  const server = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const right = request.method === 'POST' && request.headers['content-type']?.startsWith('application/xml');
    response.writeHead(right ? await take(Buffer.concat(chunks)) : 415).end();
  });
  return new Promise((resolve) => server.listen(settings.port, '127.0.0.1', () => resolve(server)));
}

async function until(what, reached) {
  const giveUp = Date.now() + WAIT_MS_MAX;
  while (!report.messages.some(reached)) {
    if (Date.now() > giveUp) throw new Error(`no ${what} came: ${JSON.stringify(report, plain)}`);
    await wait(100);
  }
}

const alerts = (kind) => (message) => kind in (message.body.DCCAlertMessage?.DCCAlert ?? {});
const answers = (asked) => (message) =>
  'ResponseMessage' in message.body && message.header.requestId?.counter === asked.counter;
const plain = (_, value) => (typeof value === 'bigint' ? value.toString() : value);

async function main() {
  const server = await listen();
  const { dcc, ppmid, fresh, hub } = settings;
  await ask('12.2', '12.2', 8, dcc, {
    DevicePrenotification: {
      DeviceID: fresh,
      DeviceManufacturer: settings.manufacturer,
      DeviceModel: settings.model,
      DeviceType: 'PPMID',
      SMETSCHTSVersion: 'SMETS V5.1',
      FirmwareVersion: settings.oldVersion,
    },
  });
  await ask('8.2', '8.2', 8, dcc, { ReadInventory: { DeviceID: hub } });
  await ask('11.4', '11.4', 8, dcc, {
    UpdatePPMIDFirmware: {
      FirmwareImage: readFileSync(settings.image).toString('base64'),
      FirmwareVersion: settings.newVersion,
      DeviceIDList: `${ppmid},${fresh}`,
    },
  });
  for (const kind of ['CSPFirmwareDeliveryStatus', 'CommsHubAlert', 'PPMIDAlert']) await until(kind, alerts(kind));
  const asked = await ask('11.2', '11.2', 1, ppmid, { ReadFirmwareVersion: '' });
  await until('answer to 11.2', answers(asked));

  const keyStore = await BoxedKeyStore.new(settings.smki);
  const found = await keyStore.query({ eui: ppmid, keyUsage: KeyUsage.keyAgreement, lookup: 'certificate' });
  report.certificates = (found ?? []).map(({ eui, certificate }) => ({
    eui: String(eui),
    serial: certificate.serialNumber,
    der: certificate.raw.toString('base64'),
  }));
  await keyStore.cleanup?.();
  server.close();
  server.closeAllConnections();
  process.stdout.write(JSON.stringify(report, plain));
}

main().catch((error) => {
  process.stderr.write(`${error.stack}\n${JSON.stringify(report, plain)}\n`);
  process.exit(1);
});
