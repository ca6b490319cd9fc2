// GraphiQL for Berth. The token comes in the address's fragment, which no server sees; it is kept for this browser tab
// only, and taken out of the address bar and of the history at once.
'use strict';
(() => {
  const KEPT_EVENTS = 50;
  const TOKEN = 'berth.token';
  const { placeholders, tabs } = JSON.parse(document.getElementById('operations').textContent);

  const fragment = new URLSearchParams(location.hash.slice(1));
  if (fragment.has('token')) {
    sessionStorage.setItem(TOKEN, fragment.get('token'));
  }
  if (location.hash) {
    history.replaceState(null, '', location.pathname + location.search);
  }
  const given = fragment.has('operations') ? JSON.parse(fragment.get('operations')) : tabs;
  const token = () => sessionStorage.getItem(TOKEN) ?? '';

  const signIn = document.getElementById('sign-in');
  signIn.addEventListener('submit', (event) => {
    event.preventDefault();
    sessionStorage.setItem(TOKEN, signIn.elements.token.value);
    location.reload();
  });
  signIn.hidden = token() !== '';

  const post = async (request, headers = {}) => {
    const response = await fetch('/graphql', {
      method: 'POST',
      headers: {
        accept: 'application/graphql-response+json, application/json',
        authorization: `Bearer ${token()}`,
        ...headers,
        'content-type': 'application/json',
      },
      body: JSON.stringify(request),
    });
    if (response.status === 401) {
      signIn.hidden = false;
    }
    return response.json();
  };

  // A value such as "(latest task)" in the variables is looked up when the operation runs.
  const filled = async (value) => {
    if (Array.isArray(value)) {
      return Promise.all(value.map(filled));
    }
    if (value !== null && typeof value === 'object') {
      const entries = Object.entries(value).map(async ([name, each]) => [name, await filled(each)]);
      return Object.fromEntries(await Promise.all(entries));
    }
    const placeholder = Object.hasOwn(placeholders, value) ? placeholders[value] : undefined;
    if (placeholder === undefined) {
      return value;
    }
    const answer = await post({ query: placeholder.query });
    return placeholder.path.reduce((found, step) => found?.[step], answer.data) ?? value;
  };

  const client = graphqlWs.createClient({
    url: `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/graphql`,
    connectionParams: () => ({ token: token() }),
    retryAttempts: 10,
  });

  // Events are shown with the latest first: GraphiQL itself would replace each by the next.
  const followed = (request) => ({
    subscribe(observer) {
      const events = [];
      let ended = false;
      let stop = () => {};
      const show = (more) => observer.next({ ...more, events });
      filled(request.variables ?? {}).then((variables) => {
        if (ended) return;
        stop = client.subscribe(
          { ...request, variables },
          {
            next(event) {
              events.unshift(event.errors ? event : event.data);
              events.length = Math.min(events.length, KEPT_EVENTS);
              show({ following: true });
            },
            error(error) {
              show({ following: false, errors: Array.isArray(error) ? error : [{ message: error.reason || String(error) }] });
              observer.complete();
            },
            complete() {
              show({ following: false });
              observer.complete();
            },
          },
        );
      }, observer.error);
      return {
        unsubscribe() {
          ended = true;
          stop();
        },
      };
    },
  });

  // GraphiQL learns late which operations a tab holds, when one changes tabs: read the text itself.
  const operationsOf = (text) => {
    const plain = text.replace(/"""[\s\S]*?"""|"(?:\\.|[^"\\\n])*"|#.*/g, '');
    let depth = 0;
    let outside = '';
    for (const character of plain) {
      if ('{(['.includes(character)) depth += 1;
      if (depth === 0) outside += character;
      if ('})]'.includes(character)) depth -= 1;
    }
    const found = outside.matchAll(/\b(query|mutation|subscription)\b\s*([_A-Za-z]\w*)?/g);
    return [...found].map(([, kind, name]) => ({ kind, name }));
  };

  const fetcher = async (asked, options) => {
    const operations = operationsOf(asked.query);
    const chosen = operations.find(({ name }) => name === asked.operationName) ?? operations[0];
    const request = { ...asked, operationName: chosen?.name };
    if (chosen?.kind === 'subscription') {
      return followed(request);
    }
    return post({ ...request, variables: await filled(request.variables ?? {}) }, options?.headers);
  };

  ReactDOM.createRoot(document.getElementById('graphiql')).render(
    React.createElement(GraphiQL, {
      fetcher,
      defaultTabs: given.map(({ query, variables }) => ({
        query,
        variables: variables === undefined ? undefined : JSON.stringify(variables, null, 2),
      })),
      storage: sessionStorage,
      defaultEditorToolsVisibility: 'variables',
      shouldPersistHeaders: false,
    }),
  );
})();
