/** All that stands around the pages: theme, language, session, the address. */
import { QueryClientProvider } from '@tanstack/react-query';
import { ConfigProvider } from 'antd';
import enUS from 'antd/locale/en_US';
import zhCN from 'antd/locale/zh_CN';
import { lazy, Suspense, useMemo, useState } from 'react';
import { createBrowserRouter, RouterProvider } from 'react-router';
import { newQueryClient } from './api/hooks.ts';
import { SessionProvider, useSession } from './api/session.tsx';
import { pages, pathOf } from './pages/catalogue.ts';
import { Boundary, Failure, Loading } from './parts/states.tsx';
import { Toasts } from './parts/toast.tsx';
import { NotFound, PageFrame } from './shell/page-frame.tsx';
import { Shell } from './shell/shell.tsx';
import { useLang } from './text/lang.ts';
import { antdConfig } from './theme/antd.ts';
import { useTheme } from './theme/mode.ts';

const LogOn = lazy(() => import('./entry/log-on.tsx'));
const SetUp = lazy(() => import('./entry/set-up.tsx'));

/** The server's value for this load of the page: style sheets that antd makes carry it. */
const nonce = document.querySelector<HTMLMetaElement>('meta[property=csp-nonce]')?.nonce ?? '';
const csp = { nonce };

/** Made when somebody is in: the set-up changes the address before. */
let made: ReturnType<typeof createBrowserRouter> | undefined;
const router = (): ReturnType<typeof createBrowserRouter> => (made ??= createBrowserRouter([{
  element: <Shell />,
  children: [
    ...pages.map((entry) => {
      const element = <PageFrame entry={entry} Page={lazy(async () => ({ default: (await entry.load()).Page }))} />;
      // What stands behind the page's own address (`/alerts/ID`) is the page's: `useParams()['*']`.
      return entry.id === 'overview' ? { index: true, element } : { path: `${pathOf(entry)}/*`, element };
    }),
    { path: '*', element: <NotFound /> },
  ],
}]));

function Door() {
  const { standing, again } = useSession();
  switch (standing.state) {
    case 'asking': return <Loading />;
    case 'unreachable': return <Failure error={standing.error} retry={again} />;
    // A set-up link that was kept leads to the log-on once it was used.
    case 'new': return <SetUp />;
    case 'out': return <LogOn />;
    case 'in':
    case 'ended': return <RouterProvider router={router()} />;
  }
}

export function App() {
  const [client] = useState(newQueryClient);
  const theme = useTheme();
  const lang = useLang();
  const config = useMemo(() => antdConfig(theme), [theme]);
  return (
    <ConfigProvider theme={config} csp={csp} locale={lang === 'zh' ? zhCN : enUS} wave={{ disabled: true }} button={{ autoInsertSpace: false }}>
      <QueryClientProvider client={client}>
        <SessionProvider>
          <Boundary><Suspense fallback={<Loading />}><Door /></Suspense></Boundary>
          <Toasts />
        </SessionProvider>
      </QueryClientProvider>
    </ConfigProvider>
  );
}
