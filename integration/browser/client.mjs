// An EventSource of npm: prints each event as a line of JSON, {"type", "data", "id"}, until it is ended.
//
//     node client.mjs eventsource|eventsource-client|reconnecting-eventsource URL EVENT-NAME…

const [library, url, ...names] = process.argv.slice(2);
const print = (type, data, id) => process.stdout.write(JSON.stringify({type, data, id}) + '\n');

function listen(source) {
  for (const name of names) {
    source.addEventListener(name, event => print(event.type, event.data, event.lastEventId));
  }
  source.addEventListener('open', () => print('(open)', '', ''));
}

const clients = {
  async eventsource() {
    const {EventSource} = await import('eventsource');
    listen(new EventSource(url));
  },
  async 'reconnecting-eventsource'() {
    const {EventSource} = await import('eventsource');
    const {default: module} = await import('reconnecting-eventsource');
    const Reconnecting = module.default ?? module;
    listen(new Reconnecting(url, {eventSourceClass: EventSource, max_retry_time: 100}));
  },
  async 'eventsource-client'() {
    const {createEventSource} = await import('eventsource-client');
    createEventSource({
      url,
      onConnect: () => print('(open)', '', ''),
      onMessage: ({event, data, id}) => print(event ?? 'message', data, id ?? ''),
    });
  },
};

await clients[library]();
