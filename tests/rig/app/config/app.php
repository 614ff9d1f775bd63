<?php

return [
    'name' => 'Shop',
    'env' => 'production',
    'debug' => false,
    'timezone' => 'UTC',
    'locale' => 'en',

    'providers' => array_merge([
        Illuminate\Database\DatabaseServiceProvider::class,
        App\ShopServiceProvider::class,
    ], env('DB_AMM') ? [Amm\Laravel\AmmServiceProvider::class] : []),
];
