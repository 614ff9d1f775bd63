<?php

namespace Amm\Laravel;

use Amm\Laravel\Connections\ConnectionResolver;
use Amm\Laravel\Connectors\ClusterConnector;
use Amm\Laravel\Connectors\MariaDbDialler;
use Amm\Laravel\Connectors\MySqlDialler;
use Illuminate\Contracts\Container\Container;
use Illuminate\Database\Connectors\ConnectionFactory;
use Illuminate\Database\Connectors\ConnectorInterface;
use Illuminate\Database\MariaDbConnection;
use Illuminate\Support\ServiceProvider;

final class AmmServiceProvider extends ServiceProvider
{
    /**
     * Register the cluster aware database services.
     *
     * Without the extension nothing is registered and Laravel behaves as ever.
     */
    public function register(): void
    {
        if (! $this->extensionIsEnabled()) {
            return;
        }

        // Extending instead of binding: whichever factory or connector the application
        // or another package binds, before or after us, is kept and only wrapped, so
        // that a connection without the "amm" key is still made by its own class.
        $this->app->extend('db.factory', fn (ConnectionFactory $factory, Container $app) => new ClusterConnectionFactory($app, $factory));

        foreach ($this->diallers() as $driver => $dialler) {
            $this->app->bindIf("db.connector.{$driver}", $dialler);

            $this->app->extend(
                "db.connector.{$driver}",
                fn (ConnectorInterface $connector, Container $app) => new ClusterConnector($connector, $app['events'])
            );

            ConnectionResolver::install($driver);
        }
    }

    /**
     * Get the class that dials for each driver this version of Laravel has.
     *
     * @return array<string, class-string<ConnectorInterface>>
     */
    private function diallers(): array
    {
        return class_exists(MariaDbConnection::class)
            ? ['mysql' => MySqlDialler::class, 'mariadb' => MariaDbDialler::class]
            : ['mysql' => MySqlDialler::class];
    }

    /**
     * Determine if the extension is loaded and not switched off.
     */
    private function extensionIsEnabled(): bool
    {
        return extension_loaded('amm') && filter_var(ini_get('amm.enabled'), FILTER_VALIDATE_BOOLEAN);
    }
}
