<?php

namespace App;

use Amm\Laravel\Events\Dialed;
use Amm\Laravel\Events\Dialing;
use Illuminate\Support\Facades\Event;
use Illuminate\Support\Facades\Route;
use Illuminate\Support\ServiceProvider;

final class ShopServiceProvider extends ServiceProvider
{
    public function register(): void
    {
        $this->app->singleton(DialLog::class);

        if (! env('DB_AMM')) {
            $this->app->bind('db.connector.mysql', LoggedConnector::class);
        }
    }

    public function boot(): void
    {
        Event::listen(fn (Dialing $event) => $this->app[DialLog::class]->dialing($event->node));
        Event::listen(fn (Dialed $event) => $this->app[DialLog::class]->dialed($event->node, $event->pdo));

        Route::group([], $this->app->basePath('routes/web.php'));
    }
}
