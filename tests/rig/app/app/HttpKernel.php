<?php

namespace App;

use Illuminate\Foundation\Http\Kernel;

final class HttpKernel extends Kernel
{
}
