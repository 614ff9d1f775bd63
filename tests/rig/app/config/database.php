<?php

// The read / write / sticky form of Laravel's documentation, and one key more.

return [
    'default' => 'mysql',

    'connections' => [
        'mysql' => [
            'read' => [
                'host' => explode(',', env('DB_HOSTS', '127.0.0.1')),
            ],
            'write' => [
                'host' => explode(',', env('DB_HOSTS', '127.0.0.1')),
            ],
            'sticky' => true,
            'driver' => 'mysql',
            'port' => (int) env('DB_PORT', 3306),
            'database' => env('DB_DATABASE', 'shop'),
            'username' => env('DB_USERNAME', 'app'),
            'password' => env('DB_PASSWORD', ''),
            'charset' => 'utf8mb4',
            'collation' => 'utf8mb4_unicode_ci',
            'prefix' => '',
            'strict' => true,

            'amm' => (bool) env('DB_AMM', false),
        ],
    ],
];
